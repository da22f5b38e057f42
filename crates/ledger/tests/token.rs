//! Tokens: sealed, opened, refused; and the file that their keys come from.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::claims;
use ledger::{KeyFileError, LeaseId, TokenClaims, TokenError, TokenKeys};

const ISSUED_MS: i64 = 1_700_000_000_000;

#[test]
fn what_was_sealed_opens_as_it_was() {
    let keys = TokenKeys::ephemeral().unwrap();
    for claims in [
        claims(LeaseId(3), "sg"),
        TokenClaims {
            cap_key: None,
            definition: None,
            test: true,
            auction: String::new(),
            ..claims(LeaseId(u64::MAX), "")
        },
    ] {
        let text = keys.seal(&claims).unwrap();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        let opened = keys.open(&text, ISSUED_MS).unwrap();
        assert_eq!(opened.claims, claims);
        assert_eq!(TokenKeys::peek_id(&text), Some(opened.id));
    }
}

#[test]
fn a_token_is_short_enough_for_a_notice_url() {
    let claims = TokenClaims { auction: "9f8e7d6c-5b4a-3928-1706-f5e4d3c2b1a0".into(), ..claims(LeaseId(3), "sg") };
    let length = TokenKeys::ephemeral().unwrap().seal(&claims).unwrap().len();
    assert!(length <= 256, "{length}");
}

#[test]
fn each_token_has_an_identity_of_its_own_that_grows_with_time() {
    let keys = TokenKeys::ephemeral().unwrap();
    let mut text = String::new();
    let early = keys.seal_into(&claims(LeaseId(1), "sg"), &mut text).unwrap();
    let again = keys.seal_into(&claims(LeaseId(1), "sg"), &mut text).unwrap();
    let late = TokenClaims { issued_ms: ISSUED_MS + 1, ..claims(LeaseId(1), "sg") };
    let late = keys.seal_into(&late, &mut text).unwrap();
    assert_ne!(early, again);
    assert!(early < late && again < late);
}

#[test]
fn any_changed_bit_is_a_forgery() {
    let keys = TokenKeys::ephemeral().unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(keys.seal(&claims(LeaseId(3), "sg")).unwrap()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let error = keys.open(&URL_SAFE_NO_PAD.encode(forged), ISSUED_MS).unwrap_err();
        let expected = match bit / 8 {
            0 => matches!(error, TokenError::Malformed),
            1 => matches!(error, TokenError::UnknownKey(_)),
            _ => matches!(error, TokenError::Forged),
        };
        assert!(expected, "bit {bit}: {error:?}");
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let keys = TokenKeys::ephemeral().unwrap();
    let whole = keys.seal(&claims(LeaseId(3), "sg")).unwrap();
    for end in 0..whole.len() {
        assert!(keys.open(&whole[..end], ISSUED_MS).is_err(), "cut at {end}");
        let _ = TokenKeys::peek_id(&whole[..end]);
    }
    for text in ["", "=", "not a token", "é", &"A".repeat(100_000)] {
        assert!(matches!(keys.open(text, ISSUED_MS), Err(TokenError::Malformed)), "{text:.20}");
        let _ = TokenKeys::peek_id(text);
    }
    let other = TokenKeys::ephemeral().unwrap();
    assert!(matches!(other.open(&whole, ISSUED_MS), Err(TokenError::Forged)), "another key of the same id");
}

#[test]
fn a_token_expires_after_its_life() {
    let keys = TokenKeys::ephemeral().unwrap().with_life(Duration::from_secs(10));
    let text = keys.seal(&claims(LeaseId(3), "sg")).unwrap();
    assert!(keys.open(&text, ISSUED_MS + 10_000).is_ok());
    let error = keys.open(&text, ISSUED_MS + 10_001).unwrap_err();
    assert!(matches!(error, TokenError::Expired { issued_ms: ISSUED_MS }));
    assert!(keys.open(&text, ISSUED_MS - 3_600_000).is_ok(), "a clock that was set back refuses nothing of ours");
}

#[test]
fn long_ids_are_cut_and_long_names_refused() {
    let keys = TokenKeys::ephemeral().unwrap();
    let long = TokenClaims { auction: "é".repeat(100), ..claims(LeaseId(3), "sg") };
    let opened = keys.open(&keys.seal(&long).unwrap(), ISSUED_MS).unwrap();
    assert_eq!(opened.claims.auction, "é".repeat(32));
    let mut text = "before".to_owned();
    let error = keys.seal_into(&claims(LeaseId(3), &"x".repeat(256)), &mut text).unwrap_err();
    assert!(matches!(error, TokenError::TooLong { bytes: 256, .. }));
    assert_eq!(text, "before");
}

#[test]
fn a_key_file_is_made_once_with_mode_0600() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.keys");
    let text = TokenKeys::load_or_create(&path).unwrap().seal(&claims(LeaseId(3), "sg")).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(TokenKeys::load_or_create(&path).unwrap().open(&text, ISSUED_MS).is_ok(), "a restart opens it");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn of_several_that_make_a_key_file_at_once_all_go_on_with_the_same_keys() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.keys");
        let barrier = std::sync::Barrier::new(4);
        let keys: Vec<TokenKeys> = std::thread::scope(|scope| {
            let load = || {
                barrier.wait();
                TokenKeys::load_or_create(&path)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().expect("the file of the first will do")).collect()
        });
        let text = keys[0].seal(&claims(LeaseId(3), "sg")).unwrap();
        assert!(keys.iter().all(|keys| keys.open(&text, ISSUED_MS).is_ok()));
    }
}

#[test]
fn a_file_that_a_kill_left_beside_the_keys_blocks_neither_a_start_nor_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.keys");
    let left = folder.path().join("token.keys.new");
    fs::write(&left, "# Keys that seal").unwrap();
    TokenKeys::load_or_create(&path).unwrap();
    // Killed after the link and before the removal: both names are one file.
    fs::hard_link(&path, &left).unwrap();
    TokenKeys::rotate(&path).unwrap();
    assert!(TokenKeys::load(&path).is_ok() && !left.exists());
}

#[test]
fn the_previous_key_opens_and_the_one_before_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.keys");
    let first = TokenKeys::load_or_create(&path).unwrap();
    let text = first.seal(&claims(LeaseId(3), "sg")).unwrap();
    TokenKeys::rotate(&path).unwrap();
    let second = TokenKeys::load(&path).unwrap();
    assert!(second.open(&text, ISSUED_MS).is_ok());
    assert!(matches!(
        first.open(&second.seal(&claims(LeaseId(3), "sg")).unwrap(), ISSUED_MS),
        Err(TokenError::UnknownKey(2))
    ));
    TokenKeys::rotate(&path).unwrap();
    assert!(matches!(TokenKeys::load(&path).unwrap().open(&text, ISSUED_MS), Err(TokenError::UnknownKey(1))));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.keys");
    TokenKeys::load_or_create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = TokenKeys::load(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::TooOpen { mode: 0o640, .. }));
    assert!(error.to_string().contains("chmod 0600"), "{error}");
}

#[test]
fn a_key_file_that_is_none_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.keys");
    let key = URL_SAFE_NO_PAD.encode([5; 32]);
    let cases = [
        ("# only this\n".to_owned(), "0 keys"),
        (format!("1 {key}\nx {key}\n"), "line 2"),
        (format!("1 {key}\n\n1 {key}\n"), "line 3: this id stands twice"),
        (format!("1 {key}\n2 {key}\n3 {key}\n"), "3 keys"),
        ("1 c2hvcnQ\n".to_owned(), "32 bytes"),
        ("1\n".to_owned(), "line 1"),
    ];
    for (text, says) in cases {
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = TokenKeys::load(&path).unwrap_err().to_string();
        assert!(error.contains(says), "{text:?}: {error}");
    }
}

#[test]
fn no_key_shows_in_debug_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.keys");
    fs::write(&path, format!("9 {}\n", URL_SAFE_NO_PAD.encode([65; 32]))).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let shown = format!("{:?}", TokenKeys::load(&path).unwrap());
    assert_eq!(shown, "TokenKeys { current: 9, previous: None, .. }");
}
