//! Keeps a chaos point armed that disarms itself: a fault that lasts, such as a disk that is out of order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tembusu::chaos::Point;

/// Arms its point again and again until it is dropped.
pub(crate) struct Rearm {
    point: &'static Point,
    ended: Arc<AtomicBool>,
    arming: Option<JoinHandle<()>>,
}

impl Rearm {
    pub(crate) fn start(point: &'static Point) -> Rearm {
        point.arm();
        let ended = Arc::new(AtomicBool::new(false));
        let until = ended.clone();
        let arming = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                point.arm();
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        Rearm { point, ended, arming: Some(arming) }
    }
}

impl Drop for Rearm {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(arming) = self.arming.take() {
            arming.join().expect("arming does not panic");
        }
        self.point.disarm();
    }
}
