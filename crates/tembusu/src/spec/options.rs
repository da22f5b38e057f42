//! The options that special supervisors share with [`Supervisor`](super::Supervisor): each hands them on to the one
//! inside it.

/// Writes builder methods that do to `self.supervisor` what the method of that name does to a `Supervisor`.
macro_rules! options_of_supervisor {
    ($($(#[$more:meta])* $name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(
            #[doc = concat!("See [`Supervisor::", stringify!($name), "`].")]
            $(#[$more])*
            pub fn $name(mut self, $($argument: $kind),*) -> Self {
                self.supervisor = self.supervisor.$name($($argument),*);
                self
            }
        )*
    };
}

pub(super) use options_of_supervisor;
