//! One message: a function marked `#[call]` or `#[tell]`.

use quote::format_ident;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Meta, Pat, Result, Type};

use crate::actor::result_of;

/// A message of the actor.
pub(crate) struct Method {
    pub(crate) function: Ident,
    pub(crate) variant: Ident,
    pub(crate) docs: Vec<Attribute>,
    /// The type of the answer; `None` when there is none.
    pub(crate) answer: Option<Type>,
    pub(crate) is_async: bool,
    pub(crate) takes_context: bool,
    pub(crate) fields: Vec<(Ident, Type)>,
}

/// Reads a function that is marked; `None` for any other.
pub(crate) fn read(function: &ImplItemFn) -> Result<Option<Method>> {
    let mut marks = function.attrs.iter().filter(|attribute| is_mark(attribute));
    let Some(mark) = marks.next() else { return Ok(None) };
    if let Some(second) = marks.next() {
        return Err(Error::new(second.span(), "a message is either `#[call]` or `#[tell]`"));
    }
    let is_call = mark.path().is_ident("call");
    if !matches!(mark.meta, Meta::Path(_)) {
        return Err(Error::new(mark.span(), "it takes no arguments"));
    }
    let sig = &function.sig;
    if !sig.generics.params.is_empty() {
        return Err(Error::new(sig.generics.span(), "a message is one concrete type: it cannot be generic"));
    }
    match sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, syn::ReceiverKind::Reference(..)) => {}
        _ => return Err(Error::new(sig.span(), "a message is handled by the state: take `&mut self` first")),
    }
    let Some((value, _)) = result_of(&sig.output) else {
        let message = if is_call {
            "expected `-> Result<Answer, Crash>`: the answer goes to the caller, a crash to the supervisor"
        } else {
            "expected `-> Result<(), Crash>`, or `Result<Flow, Crash>` when it may end the actor"
        };
        let span = if matches!(sig.output, syn::ReturnType::Default) { sig.ident.span() } else { sig.output.span() };
        return Err(Error::new(span, message));
    };
    let mut fields = Vec::new();
    let mut takes_context = false;
    for (position, input) in sig.inputs.iter().enumerate().skip(1) {
        let FnArg::Typed(argument) = input else { continue };
        if position == 1 && is_context(&argument.ty) {
            takes_context = true;
            continue;
        }
        let Pat::Ident(name) = &*argument.pat else {
            return Err(Error::new(argument.pat.span(), "name the argument: it becomes a field of the message"));
        };
        if is_call && name.ident == "reply" {
            let message = "`reply` is the message's own field: name the argument otherwise";
            return Err(Error::new(name.span(), message));
        }
        if let Type::Reference(reference) = &*argument.ty {
            return Err(Error::new(reference.span(), "a message is sent by value: take the argument by value"));
        }
        fields.push((name.ident.clone(), (*argument.ty).clone()));
    }
    Ok(Some(Method {
        function: sig.ident.clone(),
        variant: camel_case(&sig.ident),
        docs: function.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).cloned().collect(),
        answer: is_call.then_some(value),
        is_async: sig.asyncness.is_some(),
        takes_context,
        fields,
    }))
}

fn is_mark(attribute: &Attribute) -> bool {
    attribute.path().is_ident("call") || attribute.path().is_ident("tell")
}

/// Takes our marks off the functions: they mean nothing to the compiler.
pub(crate) fn remove_marks(block: &mut ItemImpl) {
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            function.attrs.retain(|attribute| !is_mark(attribute));
        }
    }
}

fn is_context(of: &Type) -> bool {
    let Type::Reference(reference) = of else { return false };
    let Type::Path(path) = &*reference.elem else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Context")
}

/// `take_some` is handled by the message `TakeSome`.
fn camel_case(name: &Ident) -> Ident {
    let name = name.to_string();
    let variant: String = name
        .trim_start_matches("r#")
        .split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect();
    format_ident!("{variant}")
}
