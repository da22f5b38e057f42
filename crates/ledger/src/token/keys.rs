//! Sealing and opening.
//!
//! Promises that only the current key seals. Never shows a key: `Debug` prints ids.

use std::fmt;
use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};

use super::{TokenClaims, TokenError, nonces};
use crate::TokenId;

/// How long a token opens if nothing else is said: longer than any exchange bills after the bid.
pub const TOKEN_LIFE: Duration = Duration::from_secs(48 * 60 * 60);

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const TIME_BYTES: usize = 6;
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 2 + NONCE_BYTES;
const _: () = assert!(TIME_BYTES + nonces::RANDOM_BYTES == NONCE_BYTES, "a nonce is its time and what is random");
/// The longest text that is looked at: fixed claims, five names of 255 bytes, head and tag are 1,377 bytes.
const TEXT_BYTES_MAX: usize = 2048;

/// The current key, which seals, and the previous one, which still opens.
///
/// # Examples
/// ```no_run
/// use ledger::TokenKeys;
/// let keys = TokenKeys::load_or_create("/var/lib/adserver/token.keys".as_ref())?;
/// # Ok::<(), ledger::KeyFileError>(())
/// ```
#[derive(Clone)]
pub struct TokenKeys {
    current: Key,
    previous: Option<Key>,
    life_ms: i64,
}

#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: u8,
    cipher: XChaCha20Poly1305,
}

impl Key {
    pub(super) const BYTES: usize = 32;

    pub(super) fn new(id: u8, bytes: &[u8; Self::BYTES]) -> Self {
        Self { id, cipher: XChaCha20Poly1305::new(bytes.into()) }
    }
}

/// An authentic token, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedToken {
    /// Its identity.
    pub id: TokenId,
    /// What it says.
    pub claims: TokenClaims,
}

impl TokenKeys {
    /// Makes a random key that lives as long as this process: for tests and demonstrations.
    ///
    /// # Errors
    /// [`TokenError::Random`].
    pub fn ephemeral() -> Result<Self, TokenError> {
        let mut bytes = [0; Key::BYTES];
        random(&mut bytes)?;
        Ok(Self::new(Key::new(0, &bytes), None))
    }

    pub(super) fn new(current: Key, previous: Option<Key>) -> Self {
        Self { current, previous, life_ms: millis(TOKEN_LIFE) }
    }

    /// Lets tokens open for this long after their issue; [`TOKEN_LIFE`] if not said.
    #[must_use]
    pub fn with_life(self, life: Duration) -> Self {
        Self { life_ms: millis(life), ..self }
    }

    /// Seals claims with the current key.
    ///
    /// # Errors
    /// [`TokenError::TooLong`] for the name of an exchange or region, [`TokenError::Random`].
    pub fn seal(&self, claims: &TokenClaims) -> Result<String, TokenError> {
        let mut text = String::new();
        self.seal_into(claims, &mut text)?;
        Ok(text)
    }

    /// Seals claims with the current key, appends the token to `text`, and gives its identity.
    ///
    /// # Errors
    /// As [`seal`](Self::seal); `text` is then unchanged.
    pub fn seal_into(&self, claims: &TokenClaims, text: &mut String) -> Result<TokenId, TokenError> {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..TIME_BYTES].copy_from_slice(&claims.issued_ms.to_be_bytes()[8 - TIME_BYTES..]);
        nonce[TIME_BYTES..].copy_from_slice(&nonces::fresh()?);

        let mut bytes = Vec::with_capacity(256);
        bytes.extend([VERSION, self.current.id]);
        bytes.extend(nonce);
        claims.encode(&mut bytes)?;
        let (head, sealed) = bytes.split_at_mut(HEAD_BYTES);
        let tag = self
            .current
            .cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &head[..2], sealed.into())
            .expect("claims are far below the cipher's limit of 256 GiB");
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode_string(&bytes, text);
        Ok(token_id(&nonce))
    }

    /// Opens a token.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::UnknownKey`] and [`TokenError::Forged`]: nothing that we issued.
    /// [`TokenError::Expired`]: ours, but too old.
    pub fn open(&self, text: &str, now_ms: i64) -> Result<OpenedToken, TokenError> {
        if TEXT_BYTES_MAX < text.len() {
            return Err(TokenError::Malformed);
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)?;
        if bytes.len() < HEAD_BYTES + TAG_BYTES || bytes[0] != VERSION {
            return Err(TokenError::Malformed);
        }
        let (head, sealed) = bytes.split_at_mut(HEAD_BYTES);
        let (sealed, tag) = sealed.split_at_mut(sealed.len() - TAG_BYTES);
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&head[2..]);
        let tag = Tag::try_from(&*tag).map_err(|_| TokenError::Malformed)?;

        let key = self.key(head[1])?;
        key.cipher
            .decrypt_inout_detached(&XNonce::from(nonce), &head[..2], (&mut *sealed).into(), &tag)
            .map_err(|_| TokenError::Forged)?;
        let claims = TokenClaims::decode(sealed).ok_or(TokenError::Malformed)?;
        if claims.issued_ms.saturating_add(self.life_ms) < now_ms {
            return Err(TokenError::Expired { issued_ms: claims.issued_ms });
        }
        Ok(OpenedToken { id: token_id(&nonce), claims })
    }

    /// The identity that a token would have, without opening it: for a counterpart that holds no key.
    #[must_use]
    pub fn peek_id(text: &str) -> Option<TokenId> {
        // The head ends within a group of four characters; one group more is enough to decode it.
        let head = text.get(..HEAD_BYTES.div_ceil(3) * 4)?;
        let bytes = URL_SAFE_NO_PAD.decode(head).ok()?;
        bytes.get(2..HEAD_BYTES)?.first_chunk::<NONCE_BYTES>().map(token_id)
    }

    fn key(&self, id: u8) -> Result<&Key, TokenError> {
        let previous = self.previous.as_ref();
        std::iter::once(&self.current).chain(previous).find(|key| key.id == id).ok_or(TokenError::UnknownKey(id))
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys")
            .field("current", &self.current.id)
            .field("previous", &self.previous.as_ref().map(|key| key.id))
            .finish_non_exhaustive()
    }
}

pub(super) fn random(bytes: &mut [u8]) -> Result<(), TokenError> {
    getrandom::fill(bytes).map_err(|error| TokenError::Random(io::Error::other(error.to_string())))
}

fn token_id(nonce: &[u8; NONCE_BYTES]) -> TokenId {
    let mut id = [0; TokenId::BYTES];
    id.copy_from_slice(&nonce[..TokenId::BYTES]);
    TokenId(id)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
