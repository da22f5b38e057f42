//! Tells whether two definitions are the same.

use campaign::Campaign;

/// A number that is the same for the same definition, in every process of one version of this program (FNV-1a over the text).
pub(crate) fn fingerprint(campaign: &Campaign) -> u64 {
    let text = campaign.to_toml();
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |bits, byte| (bits ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}
