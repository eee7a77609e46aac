//! The modules a script can import: the helpers by name, and the tools by name. Nothing is ever read
//! from anywhere.

use super::globals::EXPORTS;
use super::script::Script;
use super::{Thrown, callbacks, render, string, tools};

const HELPER_SPECIFIERS: [&str; 2] = ["@openai/code_mode", "code-mode"];
const TOOLS_SPECIFIER: &str = "tools.js";

/// Exports of `tools.js` that are not tools. A tool of such a name is reached through `tools`.
const TOOLS_MODULE_HELPERS: [&str; 2] = ["tools", "ALL_TOOLS"];

/// A module that can be imported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Importable {
    Helpers,
    Tools,
}

impl Importable {
    pub(super) fn from_specifier(specifier: &str) -> Option<Self> {
        if HELPER_SPECIFIERS.contains(&specifier) {
            Some(Self::Helpers)
        } else if specifier == TOOLS_SPECIFIER {
            Some(Self::Tools)
        } else {
            None
        }
    }
}

/// What a script that imports anything else is told.
pub(super) fn not_importable(specifier: &str) -> String {
    format!(
        "cannot import {specifier:?}: scripts can import \"@openai/code_mode\" or \"code-mode\" (the helpers) \
         and \"tools.js\" (the tools), and nothing else"
    )
}

/// V8 asks for the module behind a static import.
pub(super) fn resolve<'s>(
    context: v8::Local<'s, v8::Context>,
    specifier: v8::Local<'s, v8::String>,
    _attributes: v8::Local<'s, v8::FixedArray>,
    _referrer: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Module>> {
    // SAFETY: V8 calls this on the isolate's thread with its current context.
    v8::callback_scope!(unsafe scope, context);
    let mut module = None;
    callbacks::run(scope, |scope, script| {
        let specifier = render::to_rust_string(scope, specifier);
        let importable = Importable::from_specifier(&specifier)
            .ok_or_else(|| Thrown::Type(not_importable(&specifier)))?;
        module = self::module(scope, script, importable);
        Ok(())
    });
    module
}

/// V8 asks for the module behind an `import(…)`.
pub(super) fn import_dynamically<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _host_defined_options: v8::Local<'s, v8::Data>,
    _resource_name: v8::Local<'s, v8::Value>,
    specifier: v8::Local<'s, v8::String>,
    _attributes: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    let mut promise = None;
    callbacks::run(scope, |scope, script| {
        let resolver = v8::PromiseResolver::new(scope).ok_or(Thrown::Pending)?;
        promise = Some(resolver.get_promise(scope));
        let specifier = render::to_rust_string(scope, specifier);
        let settled = match Importable::from_specifier(&specifier) {
            Some(importable) => import(scope, script, importable, resolver)?,
            None => {
                let message = string(scope, &not_importable(&specifier));
                let error = v8::Exception::type_error(scope, message);
                resolver.reject(scope, error)
            }
        };
        settled.map(drop).ok_or(Thrown::Pending)
    });
    promise
}

/// Resolves to the module's namespace, or rejects with what kept it from being made.
fn import<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    importable: Importable,
    resolver: v8::Local<'s, v8::PromiseResolver>,
) -> Result<Option<bool>, Thrown> {
    v8::tc_scope!(let scope, scope);
    if let Some(namespace) = namespace(scope, script, importable) {
        return Ok(resolver.resolve(scope, namespace));
    }
    let Some(exception) = scope.exception().filter(|_| !scope.has_terminated()) else {
        scope.rethrow();
        return Err(Thrown::Pending);
    };
    scope.reset();
    Ok(resolver.reject(scope, exception))
}

fn namespace<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    importable: Importable,
) -> Option<v8::Local<'s, v8::Value>> {
    let module = module(scope, script, importable)?;
    if module.get_status() == v8::ModuleStatus::Uninstantiated {
        module.instantiate_module(scope, resolve)?;
    }
    if module.get_status() == v8::ModuleStatus::Instantiated {
        module.evaluate(scope)?;
    }
    Some(module.get_module_namespace())
}

/// The module, made at its first import.
fn module<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    importable: Importable,
) -> Option<v8::Local<'s, v8::Module>> {
    let slot = match importable {
        Importable::Helpers => &script.helper_module,
        Importable::Tools => &script.tools_module,
    };
    if let Some(module) = &*slot.borrow() {
        return Some(v8::Local::new(scope, module));
    }
    let (specifier, names) = match importable {
        Importable::Helpers => (HELPER_SPECIFIERS[0], EXPORTS.map(str::to_owned).to_vec()),
        Importable::Tools => (TOOLS_SPECIFIER, tools_exports(script)),
    };
    let name = string(scope, specifier);
    let names: Vec<_> = names.iter().map(|name| string(scope, name)).collect();
    let module = v8::Module::create_synthetic_module(scope, name, &names, evaluate);
    *slot.borrow_mut() = Some(v8::Global::new(scope, module));
    Some(module)
}

fn tools_exports(script: &Script) -> Vec<String> {
    let tools = script
        .tools
        .iter()
        .map(|tool| tool.global_name.as_str())
        .filter(|name| !TOOLS_MODULE_HELPERS.contains(name));
    TOOLS_MODULE_HELPERS
        .into_iter()
        .chain(tools)
        .map(str::to_owned)
        .collect()
}

/// V8 evaluates one of our modules: sets its exports.
fn evaluate<'s>(
    context: v8::Local<'s, v8::Context>,
    module: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Value>> {
    // SAFETY: V8 calls this on the isolate's thread with its current context.
    v8::callback_scope!(unsafe scope, context);
    let mut done = None;
    callbacks::run(scope, |scope, script| {
        let helpers = script.helper_module.borrow();
        let is_helpers = helpers.as_ref().is_some_and(|helpers| *helpers == module);
        drop(helpers);
        done = if is_helpers {
            export_helpers(scope, script, module)
        } else {
            export_tools(scope, script, module)
        };
        done.map(drop).ok_or(Thrown::Pending)
    });
    done
}

fn export_helpers<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    module: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Value>> {
    let exports = exports(scope, script);
    for name in EXPORTS {
        export(scope, module, exports, name)?;
    }
    evaluated(scope)
}

fn export_tools<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    module: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Value>> {
    let exports = exports(scope, script);
    for name in TOOLS_MODULE_HELPERS {
        export(scope, module, exports, name)?;
    }
    for (position, tool) in script.tools.iter().enumerate() {
        if TOOLS_MODULE_HELPERS.contains(&tool.global_name.as_str()) {
            continue;
        }
        let function = tools::tool_function_at(scope, script, position)?;
        let name = string(scope, &tool.global_name);
        module.set_synthetic_module_export(scope, name, function)?;
    }
    evaluated(scope)
}

fn exports<'s>(scope: &mut v8::PinScope<'s, '_>, script: &Script) -> v8::Local<'s, v8::Object> {
    let exports = script.exports.borrow();
    let exports = exports.as_ref().expect("installed before any script runs");
    v8::Local::new(scope, exports)
}

fn export<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    module: v8::Local<'s, v8::Module>,
    from: v8::Local<'s, v8::Object>,
    name: &str,
) -> Option<()> {
    let name = string(scope, name);
    let value = from.get(scope, name.into())?;
    module.set_synthetic_module_export(scope, name, value)?;
    Some(())
}

/// The promise that tells V8 a module's evaluation is over.
fn evaluated<'s>(scope: &mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Value>> {
    let resolver = v8::PromiseResolver::new(scope)?;
    let nothing = v8::undefined(scope);
    resolver.resolve(scope, nothing.into())?;
    Some(resolver.get_promise(scope).into())
}
