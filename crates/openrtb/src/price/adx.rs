//! Google's encryption of prices and ids (Authorized Buyers, "Decrypt price confirmations"); OpenX uses the layout too.
//!
//! ```text
//! package   = iv (16) || payload ^ pad || signature (4)
//! iv        = seconds (4, big-endian) || micros (4, big-endian) || server id (8)
//! pad 0     = HMAC-SHA1(encryption key, iv);   pad k = HMAC-SHA1(encryption key, iv || counter bytes)
//! signature = first 4 bytes of HMAC-SHA1(integrity key, payload || iv)
//! price     = u64, big-endian, micros of CPM in the account's currency
//! ```
//!
//! Promises: the signature is compared in constant time, before the payload is believed.
//! Never: a check of age. The caller knows how late a notice may be, and has [`Iv::seconds`].

use std::fmt;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use money::Cpm;
use sha1::Sha1;

const IV_LEN: usize = 16;
const SIGNATURE_LEN: usize = 4;
const PRICE_LEN: usize = 8;
/// One output of HMAC-SHA1 covers that much of the payload.
const PAD_LEN: usize = 20;
/// The longest payload that is decrypted: far more than any id, and less than the counter can cover.
const PAYLOAD_LEN_MAX: usize = 1_000;

/// Web-safe, written without padding, read with or without.
const WEB_SAFE: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The two keys of an account.
#[derive(Clone)]
pub struct Keys {
    encryption: Hmac<Sha1>,
    integrity: Hmac<Sha1>,
}

/// What makes each message different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iv(pub [u8; IV_LEN]);

/// A price and what it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedPrice {
    /// The price per thousand in the account's currency.
    pub price: Cpm,
    /// Time and server.
    pub iv: Iv,
}

/// Why a text is no price under these keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdxError {
    /// Not web-safe base64.
    #[error("not web-safe base64")]
    Encoding,
    /// Too short, too long, or not the length of a price.
    #[error("{0} bytes are no encrypted value of this kind")]
    Length(usize),
    /// The signature is wrong: other keys, or forged.
    #[error("signature does not match: check the account's integrity key")]
    Signature,
    /// The decrypted number is no price.
    #[error("decrypted number is too large for a price")]
    TooLarge,
    /// A key cannot be used.
    #[error("not a key: give the web-safe base64 text of the account's key")]
    Key,
}

impl Iv {
    /// Builds the vector from its parts.
    #[must_use]
    pub fn new(seconds: u32, micros: u32, server: u64) -> Self {
        let mut iv = [0; IV_LEN];
        iv[..4].copy_from_slice(&seconds.to_be_bytes());
        iv[4..8].copy_from_slice(&micros.to_be_bytes());
        iv[8..].copy_from_slice(&server.to_be_bytes());
        Self(iv)
    }

    /// Unix time at which the message was made.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

impl Keys {
    /// Takes the keys as bytes.
    #[must_use]
    pub fn new(encryption: &[u8; 32], integrity: &[u8; 32]) -> Option<Self> {
        Some(Self {
            encryption: Hmac::new_from_slice(encryption).ok()?,
            integrity: Hmac::new_from_slice(integrity).ok()?,
        })
    }

    /// Takes the keys as Google shows them: web-safe base64 of 32 bytes.
    ///
    /// # Errors
    /// [`AdxError::Key`].
    pub fn from_base64(encryption: &str, integrity: &str) -> Result<Self, AdxError> {
        let bytes = |text: &str| WEB_SAFE.decode(text.trim()).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
        let keys = bytes(encryption).zip(bytes(integrity));
        keys.and_then(|(encryption, integrity)| Self::new(&encryption, &integrity)).ok_or(AdxError::Key)
    }

    /// Encrypts a price; a negative one is taken as zero.
    #[must_use]
    pub fn encrypt_price(&self, price: Cpm, iv: Iv) -> String {
        let micros = u64::try_from(price.0).unwrap_or(0);
        WEB_SAFE.encode(self.encrypt(&micros.to_be_bytes(), iv))
    }

    /// Decrypts a price.
    ///
    /// # Errors
    /// [`AdxError`] for anything that is no price under these keys.
    pub fn decrypt_price(&self, text: &str) -> Result<SealedPrice, AdxError> {
        let text = text.trim_end_matches(['=', '.']);
        let package = WEB_SAFE.decode(text).map_err(|_| AdxError::Encoding)?;
        if package.len() != IV_LEN + PRICE_LEN + SIGNATURE_LEN {
            return Err(AdxError::Length(package.len()));
        }
        let (payload, iv) = self.decrypt(&package)?;
        let micros = <[u8; PRICE_LEN]>::try_from(payload).map_err(|other| AdxError::Length(other.len()))?;
        let price = i64::try_from(u64::from_be_bytes(micros)).map_err(|_| AdxError::TooLarge)?;
        Ok(SealedPrice { price: Cpm(price), iv })
    }

    /// Encrypts any payload, for example an advertising id.
    #[must_use]
    pub fn encrypt(&self, payload: &[u8], iv: Iv) -> Vec<u8> {
        let mut package = Vec::with_capacity(IV_LEN + payload.len() + SIGNATURE_LEN);
        package.extend_from_slice(&iv.0);
        package.extend_from_slice(payload);
        self.pad(&mut package[IV_LEN..], iv);
        let signature = self.signature(payload, iv).finalize().into_bytes();
        package.extend_from_slice(&signature[..SIGNATURE_LEN]);
        package
    }

    /// Decrypts any payload.
    ///
    /// # Errors
    /// [`AdxError::Length`] and [`AdxError::Signature`].
    pub fn decrypt(&self, package: &[u8]) -> Result<(Vec<u8>, Iv), AdxError> {
        let length = AdxError::Length(package.len());
        let (iv, rest) = package.split_first_chunk::<IV_LEN>().ok_or(length)?;
        let (payload, signature) = rest.split_last_chunk::<SIGNATURE_LEN>().ok_or(length)?;
        if payload.len() > PAYLOAD_LEN_MAX {
            return Err(length);
        }
        let iv = Iv(*iv);
        let mut payload = payload.to_vec();
        self.pad(&mut payload, iv);
        self.signature(&payload, iv).verify_truncated_left(signature).map_err(|_| AdxError::Signature)?;
        Ok((payload, iv))
    }

    fn signature(&self, payload: &[u8], iv: Iv) -> Hmac<Sha1> {
        self.integrity.clone().chain_update(payload).chain_update(iv.0)
    }

    /// Combines the payload with the key stream; twice is the identity.
    fn pad(&self, payload: &mut [u8], iv: Iv) {
        // Counter bytes run 00, 01, .., FF; after FF one more byte follows.
        let mut counter: Vec<u8> = Vec::new();
        for (index, section) in payload.chunks_mut(PAD_LEN).enumerate() {
            if index > 0 {
                match counter.last_mut() {
                    Some(last) if *last < u8::MAX => *last += 1,
                    _ => counter.push(0),
                }
            }
            let pad = self.encryption.clone().chain_update(iv.0).chain_update(&counter).finalize().into_bytes();
            for (byte, key) in section.iter_mut().zip(pad) {
                *byte ^= key;
            }
        }
    }
}

/// Shows no key.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}
