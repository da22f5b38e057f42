//! What the attribute and the block under it say.

use quote::format_ident;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericArgument, Ident, ImplItem, ImplItemFn, ItemImpl, PathArguments, Result, ReturnType, Token,
    Type, Visibility,
};

use crate::method::{self, Method};

/// What stands in the attribute's parentheses.
pub(crate) struct Arguments {
    pub(crate) visibility: Visibility,
    message: Option<Ident>,
    client: Option<Ident>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self { visibility: input.parse()?, message: None, client: None };
        if !input.is_empty() && !matches!(arguments.visibility, Visibility::Inherited) {
            input.parse::<Token![,]>()?;
        }
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let value: Ident = input.parse()?;
            match key.to_string().as_str() {
                "message" => arguments.message = Some(value),
                "client" => arguments.client = Some(value),
                _ => {
                    return Err(Error::new(key.span(), "expected a visibility, `message = Name` or `client = Name`"));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

impl Arguments {
    pub(crate) fn message(&self, actor: &Ident) -> Ident {
        self.message.clone().unwrap_or_else(|| format_ident!("{actor}Message"))
    }

    pub(crate) fn client(&self, actor: &Ident) -> Ident {
        self.client.clone().unwrap_or_else(|| format_ident!("{actor}Client"))
    }
}

/// The actor that a block describes.
pub(crate) struct Actor {
    pub(crate) name: Ident,
    pub(crate) args: Type,
    pub(crate) crash: Type,
    pub(crate) init: Hook,
    pub(crate) stop: Option<Hook>,
    pub(crate) methods: Vec<Method>,
}

/// How a function that the library calls wants to be called.
pub(crate) struct Hook {
    pub(crate) is_async: bool,
    /// Whether it takes what may be left out: the context of `init`, the reason of `stop`.
    pub(crate) takes_second: bool,
}

/// Reads the block.
pub(crate) fn read(block: &ItemImpl) -> Result<Actor> {
    if let Some((path, _)) = &block.trait_ {
        return Err(Error::new(path.span(), "put this on the type's own `impl` block: it writes `impl Actor` itself"));
    }
    if !block.generics.params.is_empty() {
        let message = "a generic actor cannot be written with this attribute: write its message enum and `impl Actor`";
        return Err(Error::new(block.generics.span(), message));
    }
    let name = match &*block.self_ty {
        Type::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    };
    let name = name.ok_or_else(|| Error::new(block.self_ty.span(), "expected the plain name of a type"))?;
    let mut methods = Vec::new();
    let (mut init, mut stop) = (None, None);
    for item in &block.items {
        let ImplItem::Fn(function) = item else { continue };
        if let Some(method) = method::read(function)? {
            methods.push(method);
        } else if function.sig.ident == "init" {
            init = Some(read_init(function)?);
        } else if function.sig.ident == "stop" {
            stop = Some(read_stop(function)?);
        }
    }
    let Some((init, args, crash)) = init else {
        let message = "an actor's state is made by `init`: add `fn init(args: &Args) -> Result<Self, Crash>`";
        return Err(Error::new(block.self_ty.span(), message));
    };
    if methods.is_empty() {
        let message = "no message: mark at least one function with `#[call]` (it is answered) or `#[tell]` (it is not)";
        return Err(Error::new(block.self_ty.span(), message));
    }
    Ok(Actor { name, args, crash, init, stop, methods })
}

fn read_init(function: &ImplItemFn) -> Result<(Hook, Type, Type)> {
    const EXPECTED: &str = "expected `fn init(args: &Args) -> Result<Self, Crash>`, \
        with `cx: &mut Context<Self>` after the arguments and `Result<Init<Self>, Crash>` where they are of use";
    let wrong = |span| Error::new(span, EXPECTED);
    let sig = &function.sig;
    let mut inputs = sig.inputs.iter();
    let args = match inputs.next() {
        Some(FnArg::Typed(argument)) => match &*argument.ty {
            Type::Reference(reference) if reference.mutability.is_none() => (*reference.elem).clone(),
            other => return Err(wrong(other.span())),
        },
        _ => return Err(wrong(sig.span())),
    };
    let (_, crash) = result_of(&sig.output).ok_or_else(|| wrong(sig.output.span()))?;
    if sig.inputs.len() > 2 {
        return Err(wrong(sig.inputs.span()));
    }
    let hook = Hook { is_async: sig.asyncness.is_some(), takes_second: sig.inputs.len() == 2 };
    Ok((hook, args, crash))
}

fn read_stop(function: &ImplItemFn) -> Result<Hook> {
    let sig = &function.sig;
    let by_value = matches!(sig.inputs.first(), Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, syn::ReceiverKind::Value));
    if !by_value || sig.inputs.len() > 2 || !matches!(sig.output, ReturnType::Default) {
        let message =
            "expected `fn stop(self)` or `fn stop(self, reason: &ExitReason)`: it takes the state and ends it";
        return Err(Error::new(sig.span(), message));
    }
    Ok(Hook { is_async: sig.asyncness.is_some(), takes_second: sig.inputs.len() == 2 })
}

/// The two types of a returned `Result`.
pub(crate) fn result_of(output: &ReturnType) -> Option<(Type, Type)> {
    let ReturnType::Type(_, returned) = output else { return None };
    let Type::Path(path) = &**returned else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let types: Vec<&Type> = arguments
        .args
        .iter()
        .filter_map(|argument| if let GenericArgument::Type(of) = argument { Some(of) } else { None })
        .collect();
    match types[..] {
        [value, error] => Some((value.clone(), error.clone())),
        _ => None,
    }
}
