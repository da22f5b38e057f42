//! The attribute [`macro@actor`]: sugar for `tembusu`'s actors. It writes what one would write by hand, an enum,
//! a `handle` that matches it and functions that send; nothing is erased and nothing is boxed.

mod actor;
mod expand;
mod method;

use proc_macro::TokenStream;

/// Turns an `impl` block into an actor. Documented as `tembusu::actor`.
#[proc_macro_attribute]
pub fn actor(arguments: TokenStream, block: TokenStream) -> TokenStream {
    let arguments = syn::parse_macro_input!(arguments as actor::Arguments);
    let mut block = syn::parse_macro_input!(block as syn::ItemImpl);
    let actor = actor::read(&block);
    method::remove_marks(&mut block);
    let expanded = match actor {
        Ok(actor) => expand::expand(&arguments, &actor),
        Err(error) => error.into_compile_error(),
    };
    // The block stays, so that what is wrong with the attribute is the only thing that is reported.
    quote::quote! { #block #expanded }.into()
}
