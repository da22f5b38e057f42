//! What is written for an actor: the enum, `impl Actor`, the client.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;

use crate::actor::{Actor, Arguments};
use crate::method::Method;

pub(crate) fn expand(arguments: &Arguments, actor: &Actor) -> TokenStream {
    let (message, client) = (arguments.message(&actor.name), arguments.client(&actor.name));
    let parts = [
        message_enum(arguments, actor, &message),
        actor_impl(actor, &message),
        typed_client(arguments, actor, &message, &client),
    ];
    quote! { #(#parts)* }
}

fn message_enum(arguments: &Arguments, actor: &Actor, message: &Ident) -> TokenStream {
    let visibility = &arguments.visibility;
    let docs = format!("What can be sent to [`{}`].", actor.name);
    let variants = actor.methods.iter().map(|method| {
        let Method { variant, docs, .. } = method;
        let fields = method.fields.iter().map(|(name, of)| quote! { #[allow(missing_docs)] #name: #of });
        let reply = method.answer.as_ref().map(|value| {
            quote! {
                /// Takes the answer.
                reply: ::tembusu::Reply<#value>
            }
        });
        let fields = fields.chain(reply);
        quote! { #(#docs)* #[allow(missing_docs)] #variant { #(#fields),* } }
    });
    quote! {
        #[doc = #docs]
        #[allow(missing_debug_implementations, clippy::large_enum_variant)]
        #visibility enum #message { #(#variants),* }
    }
}

fn actor_impl(actor: &Actor, message: &Ident) -> TokenStream {
    let Actor { name, args, crash, init, stop, methods } = actor;
    let waited = |is_async: bool| is_async.then(|| quote! { .await });
    let init_wait = waited(init.is_async);
    let init_context = init.takes_second.then(|| quote! { , cx });
    let arms = methods.iter().map(|method| {
        let Method { function, variant, .. } = method;
        let names: Vec<&Ident> = method.fields.iter().map(|(name, _)| name).collect();
        let context = method.takes_context.then(|| quote! { cx, });
        let wait = waited(method.is_async);
        let handled = quote! { Self::#function(self, #context #(#names),*) #wait? };
        match &method.answer {
            Some(_) => quote! {
                #message::#variant { #(#names,)* reply } => {
                    let answer = #handled;
                    // A caller that no longer waits is no concern of the actor.
                    let _ = reply.send(answer);
                    Ok(::tembusu::Flow::Continue)
                }
            },
            None => {
                // Where the trait is not implemented, the function is shown, not the attribute.
                let flow = quote_spanned! { function.span() => ::tembusu::macro_support::flow(#handled) };
                quote! { #message::#variant { #(#names),* } => Ok(#flow), }
            }
        }
    });
    let stop = stop.as_ref().map(|stop| {
        let reason = stop.takes_second.then(|| quote! { , reason });
        let wait = waited(stop.is_async);
        quote! {
            async fn stop(self, reason: &::tembusu::ExitReason) {
                let _ = reason;
                Self::stop(self #reason) #wait
            }
        }
    });
    quote! {
        impl ::tembusu::Actor for #name {
            type Message = #message;
            type Args = #args;
            type Crash = #crash;

            async fn init(
                args: &#args,
                cx: &mut ::tembusu::Context<Self>,
            ) -> ::core::result::Result<::tembusu::Init<Self>, #crash> {
                let _ = &cx;
                Ok(::tembusu::macro_support::init(Self::init(args #init_context) #init_wait?))
            }

            async fn handle(
                &mut self,
                message: #message,
                cx: &mut ::tembusu::Context<Self>,
            ) -> ::core::result::Result<::tembusu::Flow, #crash> {
                let _ = &cx;
                match message { #(#arms)* }
            }

            #stop
        }
    }
}

fn typed_client(arguments: &Arguments, actor: &Actor, message: &Ident, client: &Ident) -> TokenStream {
    let visibility = &arguments.visibility;
    let docs = format!("[`{}`]'s messages as functions of its address.", actor.name);
    let sent = |method: &Method| {
        let names = method.fields.iter().map(|(name, _)| name);
        let parameters = method.fields.iter().map(|(name, of)| quote! { #name: #of });
        (quote! { #(#names,)* }, quote! { #(, #parameters)* })
    };
    let declarations = actor.methods.iter().map(|method| {
        let Method { function, docs, .. } = method;
        let (_, parameters) = sent(method);
        let returned = returned(method, message);
        quote! { #(#docs)* #[allow(missing_docs)] fn #function(&self #parameters) -> #returned; }
    });
    let definitions = actor.methods.iter().map(|method| {
        let Method { function, variant, .. } = method;
        let (fields, parameters) = sent(method);
        let returned = returned(method, message);
        let body = match &method.answer {
            Some(_) => quote! { ::tembusu::Call::new(self, move |reply| #message::#variant { #fields reply }) },
            None => quote! { self.tell(#message::#variant { #fields }) },
        };
        quote! { fn #function(&self #parameters) -> #returned { #body } }
    });
    quote! {
        #[doc = #docs]
        #visibility trait #client { #(#declarations)* }

        impl #client for ::tembusu::Address<#message> { #(#definitions)* }
    }
}

fn returned(method: &Method, message: &Ident) -> TokenStream {
    match &method.answer {
        Some(value) => quote! {
            ::tembusu::Call<'_, #message, #value, impl ::core::ops::FnOnce(::tembusu::Reply<#value>) -> #message>
        },
        None => quote! { ::core::result::Result<(), ::tembusu::TellError<#message>> },
    }
}
