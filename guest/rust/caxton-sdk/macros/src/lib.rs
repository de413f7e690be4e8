//! The attribute of caxton-sdk; see there.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, ItemFn, Path, Token, parse_macro_input};

/// Makes an agent of the function that handles its messages, by exporting what the host calls.
///
/// The function takes a `FipaMessage`, may be `async`, and returns what `IntoReply` allows: nothing, a
/// code, a JSON value, a message, or a `Result` of these. Requests whose `action` has a handler
/// (`register_handler`), and answers that are awaited (`ask`), do not come to it.
///
/// ```text
/// #[caxton::agent(init = init, timer = ring, capabilities = capabilities, shutdown = stop)]
/// async fn handle(message: FipaMessage) -> Result<(), AgentError> { … }
/// ```
///
/// | option | a function | called |
/// |---|---|---|
/// | `init` | `fn()`, `fn() -> i32`, or `fn() -> Result<(), AgentError>` | first; where it fails the agent cannot start |
/// | `timer` | `fn(u32)`, or with a result as above | for a timer that neither `sleep` nor `on_timer` waits for |
/// | `capabilities` | `fn() -> AgentCapabilities` | once |
/// | `shutdown` | `fn()` | last |
/// | `crate` | the path of caxton-sdk, where it is not `::caxton_sdk` | |
///
/// Natively the exports are in the static `AGENT`, for `caxton_sdk::testing`.
#[proc_macro_attribute]
pub fn agent(options: TokenStream, function: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as Options);
    let function = parse_macro_input!(function as ItemFn);
    expand(options, function).unwrap_or_else(Error::into_compile_error).into()
}

#[derive(Default)]
struct Options {
    init: Option<Path>,
    timer: Option<Path>,
    capabilities: Option<Path>,
    shutdown: Option<Path>,
    sdk: Option<Path>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Options::default();
        for Assignment { name, path } in
            Punctuated::<Assignment, Token![,]>::parse_terminated(input)?
        {
            let option = match name.to_string().as_str() {
                "init" => &mut options.init,
                "timer" => &mut options.timer,
                "capabilities" => &mut options.capabilities,
                "shutdown" => &mut options.shutdown,
                "crate" => &mut options.sdk,
                other => {
                    let text = format!(
                        "no option `{other}`; there are init, timer, capabilities, shutdown and crate"
                    );
                    return Err(Error::new(name.span(), text));
                }
            };
            if option.replace(path).is_some() {
                return Err(Error::new(name.span(), format!("`{name}` comes twice")));
            }
        }
        Ok(options)
    }
}

struct Assignment {
    name: Ident,
    path: Path,
}

impl Parse for Assignment {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.call(syn::ext::IdentExt::parse_any)?;
        input.parse::<Token![=]>()?;
        Ok(Assignment { name, path: input.parse()? })
    }
}

fn expand(options: Options, function: ItemFn) -> syn::Result<Tokens> {
    let signature = &function.sig;
    if signature.inputs.len() != 1 || !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            signature,
            "an agent's function takes one argument, the FipaMessage, and has no generics",
        ));
    }
    let sdk = options.sdk.unwrap_or_else(|| syn::parse_quote!(::caxton_sdk));
    let handler = &signature.ident;
    let handle = if signature.asyncness.is_some() {
        quote!(#sdk::run_handler(asked, #handler(message)))
    } else {
        quote!(#sdk::IntoReply::reply_to(#handler(message), &asked))
    };
    let init = options.init.iter();
    let timer = options.timer.iter();
    let mut functions = quote! {
        #[cfg_attr(target_arch = "wasm32", unsafe(export_name = "agent_init"))]
        extern "C" fn exported_init() -> i32 {
            #sdk::log_panics();
            #sdk::run_plain(|| { #(#sdk::IntoCode::code(#init()) +)* 0 })
        }

        #[cfg_attr(target_arch = "wasm32", unsafe(export_name = "handle_message"))]
        extern "C" fn exported_message(msg_ptr: *const u8, msg_len: usize) -> i32 {
            // SAFETY: the host has written a message there, and leaves it alone until this call returns.
            unsafe {
                #sdk::handle_raw(msg_ptr, msg_len, |message| {
                    let asked = message.without_content();
                    #handle
                })
            }
        }

        #[cfg_attr(target_arch = "wasm32", unsafe(export_name = "handle_timer"))]
        extern "C" fn exported_timer(timer_id: u32) -> i32 {
            if #sdk::dispatch_timer(timer_id) {
                return 0;
            }
            #sdk::run_plain(|| { #(#sdk::IntoCode::code(#timer(timer_id)) +)* 0 })
        }
    };
    let mut fields = quote! {
        agent_init: ::core::option::Option::Some(|| exported_init()),
        handle_timer: ::core::option::Option::Some(|timer| exported_timer(timer)),
    };
    if let Some(capabilities) = options.capabilities {
        functions.extend(quote! {
            #[cfg_attr(target_arch = "wasm32", unsafe(export_name = "get_capabilities"))]
            extern "C" fn exported_capabilities(caps_ptr: *mut u8, caps_len: usize) -> i32 {
                let capabilities: #sdk::AgentCapabilities = #capabilities();
                // SAFETY: the host has set the range aside for the answer.
                unsafe { #sdk::write_capabilities(&capabilities.to_json(), caps_ptr, caps_len) }
            }
        });
        fields.extend(quote! {
            get_capabilities: ::core::option::Option::Some(|ptr, len| exported_capabilities(ptr, len)),
        });
    }
    if let Some(shutdown) = options.shutdown {
        functions.extend(quote! {
            #[cfg_attr(target_arch = "wasm32", unsafe(export_name = "agent_shutdown"))]
            extern "C" fn exported_shutdown() {
                #shutdown();
            }
        });
        fields.extend(quote! {
            agent_shutdown: ::core::option::Option::Some(|| exported_shutdown()),
        });
    }
    // In blocks, so that no name of the agent's own is taken but `AGENT`.
    Ok(quote! {
        #function

        #[cfg(target_arch = "wasm32")]
        const _: () = { #functions };

        /// What the agent exports, for tests.
        #[cfg(not(target_arch = "wasm32"))]
        pub static AGENT: #sdk::testing::Exports = {
            #functions
            #sdk::testing::Exports {
                #fields
                ..#sdk::testing::Exports::new(|ptr, len| exported_message(ptr, len))
            }
        };
    })
}
