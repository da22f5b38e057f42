//! The telephones and browsers that requests come from.

/// A device model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) make: &'static str,
    pub(crate) model: &'static str,
    pub(crate) os: &'static str,
    pub(crate) osv: &'static str,
    pub(crate) user_agent: &'static str,
    pub(crate) w: u16,
    pub(crate) h: u16,
    /// OpenRTB device type: 2 computer, 4 phone, 5 tablet.
    pub(crate) device_type: u8,
}

pub(crate) const PHONES: [Model; 4] = [
    Model {
        make: "Samsung",
        model: "SM-A556E",
        os: "Android",
        osv: "15",
        user_agent: "Mozilla/5.0 (Linux; Android 15; SM-A556E Build/AP3A.240905.015; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/143.0.7499.34 Mobile Safari/537.36",
        w: 1080,
        h: 2340,
        device_type: 4,
    },
    Model {
        make: "OPPO",
        model: "CPH2621",
        os: "Android",
        osv: "14",
        user_agent: "Mozilla/5.0 (Linux; Android 14; CPH2621 Build/UKQ1.230924.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/141.0.7390.122 Mobile Safari/537.36",
        w: 1080,
        h: 2412,
        device_type: 4,
    },
    Model {
        make: "Apple",
        model: "iPhone17,3",
        os: "iOS",
        osv: "26.1",
        user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        w: 1179,
        h: 2556,
        device_type: 4,
    },
    Model {
        make: "Xiaomi",
        model: "2409BRN2CG",
        os: "Android",
        osv: "14",
        user_agent: "Mozilla/5.0 (Linux; Android 14; 2409BRN2CG Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.7444.48 Mobile Safari/537.36",
        w: 720,
        h: 1640,
        device_type: 4,
    },
];

pub(crate) const COMPUTERS: [Model; 2] = [
    Model {
        make: "Microsoft",
        model: "PC",
        os: "Windows",
        osv: "10.0",
        user_agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
        w: 1920,
        h: 1080,
        device_type: 2,
    },
    Model {
        make: "Apple",
        model: "Macintosh",
        os: "macOS",
        osv: "15.7",
        user_agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
        w: 1440,
        h: 900,
        device_type: 2,
    },
];
