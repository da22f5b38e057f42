//! A configuration that is wrong is refused with its line, its key and what to do.

use std::path::Path;

use adserver::config::{AdserverConfig, ConfigError, explain};

const SAMPLE: &str = include_str!("../../../packaging/adserver.toml");

fn parse(text: &str) -> Result<AdserverConfig, ConfigError> {
    AdserverConfig::parse(text, Path::new("/etc/adserver/adserver.toml"))
}

/// Replaces `from`, which must stand in the sample, and returns the error with the line of `to`.
fn broken(from: &str, to: &str) -> (String, usize) {
    let at = SAMPLE.find(from).unwrap_or_else(|| panic!("`{from}` does not stand in the sample"));
    let text = SAMPLE.replacen(from, to, 1);
    let line = SAMPLE[..at].matches('\n').count() + 1;
    let error = parse(&text).expect_err("the configuration is wrong").to_string();
    (error, line)
}

#[track_caller]
fn assert_names(from: &str, to: &str, key: &str, advice: &str) {
    let (error, line) = broken(from, to);
    let start = format!("/etc/adserver/adserver.toml:{line}: `{key}`: ");
    assert!(error.starts_with(&start), "expected `{start}...`, got: {error}");
    assert!(error.contains(advice), "expected `{advice}` in: {error}");
}

#[test]
fn the_shipped_sample_is_right() {
    let config = parse(SAMPLE).expect("the sample is right");
    assert_eq!(config.exchanges.len(), 3);
    assert_eq!(config.campaigns.file, Path::new("/etc/adserver/campaigns.toml"));
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    assert_names("margin = \"20ms\"\n# Two", "margni = \"20ms\"\n# Two", "exchange[1].margni", "unknown field");
}

#[test]
fn a_wrong_type_is_named_with_its_line() {
    assert_names("listen = \"0.0.0.0:8081\"", "listen = 8081", "exchange[2].listen", "expected");
}

#[test]
fn a_duration_without_unit_is_refused_with_an_example() {
    assert_names("tmax = \"120ms\"", "tmax = \"120\"", "exchange[3].tmax", "such as \"200ms\"");
}

#[test]
fn a_country_in_two_regions_is_refused() {
    assert_names(
        "countries = [\"ID\"]",
        "countries = [\"IDN\", \"SGP\"]",
        "region[2].countries",
        "served by region `sg`",
    );
}

#[test]
fn a_country_that_does_not_exist_is_refused() {
    assert_names("countries = [\"ID\"]", "countries = [\"XQ\"]", "region[2].countries", "is not a country");
}

#[test]
fn a_margin_that_uses_up_the_deadline_is_refused() {
    assert_names("margin = \"20ms\"\n# Two", "margin = \"100ms\"\n# Two", "exchange[1].margin", "whole of `tmax`");
}

#[test]
fn a_lease_that_closes_before_its_bids_can_no_longer_bill_is_refused() {
    assert_names("lease_grace = \"91m\"", "lease_grace = \"90m\"", "ledger.lease_grace", "write \"91m\" or more");
}

#[test]
fn what_is_kept_for_too_short_a_time_or_not_at_all_is_refused() {
    let kept = "keep_events = \"24h\"";
    assert_names(kept, "keep_notices = \"48h\"", "ledger.keep_notices", "write \"2940m\" or more");
    assert_names(kept, "keep_billings = \"2d\"", "ledger.keep_billings", "write \"3d\" or more");
    assert_names("cap_pairs_max = 4194304", "cap_pairs_max = 0", "region[1].cap_pairs_max", "1");
}

#[test]
fn two_listeners_on_one_address_are_refused() {
    assert_names(
        "listen = \"0.0.0.0:8081\"",
        "listen = \"0.0.0.0:8080\"",
        "exchange[2].listen",
        "taken by exchange google_adx",
    );
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    assert_names("name = \"index\"", "name = \"xandr\"", "exchange[3].name", "stands twice");
}

#[test]
fn billing_by_impression_needs_a_secure_notice_address() {
    let impression = SAMPLE.replace("billing_event = \"burl\"", "billing_event = \"impression\"");
    parse(&impression).expect("the sample's notice address is secure");
    let error = parse(&impression.replace("https://notice", "http://notice")).expect_err("not secure").to_string();
    assert!(error.contains("`exchange[1].billing_event`") && error.contains("https://"), "{error}");
}

#[test]
fn an_encrypting_exchange_without_its_keys_is_refused() {
    let text = SAMPLE.replace("price_key_file = \"/run/credentials/adserver.service/adx-price.keys\"", "");
    let error = parse(&text).expect_err("the keys are missing").to_string();
    assert!(error.contains("`exchange[1].dialect`") && error.contains("price_key_file"), "{error}");
}

#[test]
fn a_limit_below_its_least_is_refused() {
    assert_names(
        "limits = { connections_max = 512",
        "limits = { connections_max = 0",
        "exchange[3].limits.connections_max",
        "at least 1",
    );
}

#[test]
fn broken_toml_is_refused_with_its_line() {
    let (error, line) = broken("[admin]", "[admin");
    assert!(error.starts_with(&format!("/etc/adserver/adserver.toml:{line}: ")), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = AdserverConfig::load(Path::new("/nonexistent/adserver.toml")).expect_err("no such file").to_string();
    assert!(error.starts_with("/nonexistent/adserver.toml: cannot be read"), "{error}");
}

#[test]
fn each_intensity_is_said_in_words() {
    let text = explain(&parse(SAMPLE).expect("the sample is right"));
    assert!(text.contains("more than 5 crashes in 10 s takes google_adx to degraded"), "{text}");
    assert!(text.contains("more than 5 crashes in 10 s takes sg down"), "{text}");
}

#[test]
fn the_way_back_from_degraded_is_said_in_words() {
    let text = explain(&parse(SAMPLE).expect("the sample is right"));
    let probe = "  degraded, it is tried after 10 s (after each failure twice as long, up to 10 min) with one request in 100, and restored after 3 healthy intervals of 10 s";
    assert_eq!(text.matches(probe).count(), 3, "what the sample says is what an exchange has by itself: {text}");
    let probing = "restore = \"probe\"\nprobe = { one_in = 100, first = \"10s\", max = \"10m\", intervals = 3, interval = \"10s\" }";
    let text = explain(&parse(&SAMPLE.replace(probing, "restore = \"operator\"")).expect("right"));
    let operator = "  degraded, it stays so until an operator restores it: POST /exchanges/google_adx/restore";
    assert!(text.contains(operator), "{text}");
}

#[test]
fn what_an_exchange_may_ask_is_said_in_words_and_nonsense_is_refused() {
    let text = explain(&parse(SAMPLE).expect("the sample is right"));
    for said in [
        "it may send 30000 requests a second, 3000 at once; others get 204 over_quota",
        "it may send as many requests as come",
        "when requests wait longer than 5 ms for its thread, exchanges below priority 100 shed first",
        "after 1 s without a sign of life its runtime is given up",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    for (from, to, key, advice) in [
        ("max_qps = 30000", "max_qps = 0", "max_qps", "leave it out"),
        ("burst = 3000", "burst = 0", "burst", "write 1 to"),
        ("max_qps = 30000, ", "", "burst", "nothing bursts without a limit"),
        ("delay = \"5ms\"", "delay = \"0ms\"", "delay", "write 1 ms to 1 s"),
        ("lost_after = \"1s\"", "lost_after = \"10ms\"", "lost_after", "write 100 ms"),
    ] {
        let (error, _) = broken(from, to);
        assert!(error.contains(&format!("`exchange[1].load.{key}`: ")) && error.contains(advice), "{key}: {error}");
    }
}

#[test]
fn trials_that_make_no_sense_are_refused() {
    for (from, to, key, advice) in [
        ("{ one_in = 100", "{ one_in = 0", "exchange[1].probe", "nonzero"),
        ("first = \"10s\"", "first = \"0s\"", "exchange[1].probe.first", "above 0"),
        ("max = \"10m\"", "max = \"9s\"", "exchange[1].probe.max", "they are 10 s and 9 s"),
        ("intervals = 3", "intervals = 0", "exchange[1].probe.intervals", "at least 1"),
        ("interval = \"10s\" }", "interval = \"0s\" }", "exchange[1].probe.interval", "longer than 0"),
        ("restore = \"probe\"", "restore = \"operator\"", "exchange[1].probe", "leave `probe` out"),
        ("restore = \"probe\"", "restore = \"never\"", "exchange[1].restore", "unknown variant"),
    ] {
        let (error, _) = broken(from, to);
        assert!(error.contains(&format!("`{key}`: ")) && error.contains(advice), "{key}, {advice}: {error}");
    }
}

#[test]
fn service_levels_are_said_in_words_and_leave_a_budget() {
    let text = explain(&parse(SAMPLE).expect("the sample is right"));
    let said = "  99.95% of its requests are to be answered in time, 99.9% to be decided on their merits";
    assert_eq!(text.matches(said).count(), 3, "what the sample says is what an exchange has by itself: {text}");
    for nothing in ["100%", "0.9995", "99,95%", "10%"] {
        let (error, _) = broken("answered_in_time = \"99.95%\"", &format!("answered_in_time = \"{nothing}\""));
        assert!(error.contains("`exchange[1].service_levels`: ") && error.contains("99.9999%"), "{error}");
    }
}

#[test]
fn an_unspecified_notices_address_needs_a_public_url() {
    let text = SAMPLE.replace("public_url = \"https://notice.example.com\"", "");
    let error = parse(&text).expect_err("nobody can call 0.0.0.0").to_string();
    assert!(error.contains("`notices.public_url`: no exchange can call an unspecified address"), "{error}");
}

#[test]
fn a_deadline_that_would_be_cut_is_refused() {
    assert_names("tmax = \"120ms\"", "tmax = \"2001ms\"", "exchange[3].tmax", "up to 2 s");
}

#[test]
fn a_forgery_limit_that_admits_nobody_is_refused() {
    let (from, to) = ("token_ttl = \"48h\"", "forged_per_second_max = 0");
    assert_names(from, to, "notices.forged_per_second_max", "at least 1");
}

#[test]
fn what_would_only_show_when_exchanges_call_is_refused_at_once() {
    for (from, to, key, advice) in [
        ("https://notice.example.com", "https://", "notices.public_url", "and a host"),
        ("https://notice.example.com", "https://notice.example.com/?a=b", "notices.public_url", "and a host"),
        ("https://notice.example.com", "https://not ice", "notices.public_url", "and a host"),
        ("token_ttl = \"48h\"", "token_ttl = \"5m\"", "notices.token_ttl", "never paid"),
        ("name = \"index\"", "name = \"index\"\npath = \"/bid?a=b\"", "exchange[3].path", "leave out the query"),
        ("name = \"index\"", "name = \"index\"\nseat = \"\"", "exchange[3].seat", "without a seat"),
        ("log = \"info\"", "log = \"info,=,\"", "telemetry.log", "write \"info\""),
    ] {
        let error = parse(&SAMPLE.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(&format!("`{key}`: ")) && error.contains(advice), "{key}, {advice}: {error}");
    }
}

#[test]
fn xandr_polls_its_bid_path_and_others_only_what_is_written() {
    let polled = |config: &AdserverConfig| -> Vec<_> {
        config.exchanges.iter().map(|exchange| exchange.ready_path().map(str::to_owned)).collect()
    };
    assert_eq!(polled(&parse(SAMPLE).expect("right")), [None, Some("/openrtb2/bid".to_owned()), None]);
    let text = SAMPLE.replace("dialect = \"index\"", "dialect = \"index\"\nready_path = \"/ready\"");
    let config = parse(&text).expect("right");
    assert_eq!(polled(&config)[2].as_deref(), Some("/ready"));
    assert!(explain(&config).contains("whether it is ready (GET /ready) is always answered with yes"));
    let (error, _) = broken("dialect = \"index\"", "dialect = \"index\"\nready_path = \"ready\"");
    assert!(error.contains("`exchange[3].ready_path`: ") && error.contains("begin it with /"), "{error}");
}
