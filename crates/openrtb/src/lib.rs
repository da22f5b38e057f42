//! OpenRTB 2.6 request and response: borrowed parse, validation, writing, price codecs.
