//! From the text that was sent to a module that can be linked.

use v8::script_compiler::{CompileOptions, Source};

use super::attempt::{Attempt, Failure};
use super::code_cache::{CodeCache, Known};
use super::errors;
use super::modules::{self, Importable};
use super::place::{Place, RESOURCE_NAME};
use super::script::{RepeatedModule, Script};
use super::{render, string};
use crate::source::{self, typescript};
use typescript::{NotStripped, Unsupported};

/// Sources up to this many bytes have all their functions compiled at once. V8 would read over each
/// function first and compile it when it is called; a short script calls nearly all of its functions.
const SHORT_SOURCE: usize = 16 * 1024;

/// Compiles a script: the program in its code fence, as JavaScript, else as TypeScript.
///
/// JavaScript is compiled at once, and pays for nothing else.
pub(super) fn module<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    attempt: Attempt<'_>,
) -> Result<v8::Local<'s, v8::Module>, Failure> {
    let program = source::program(attempt.source);
    let mut compiled = attempt.run(scope, |scope| compile(scope, attempt.script, &program));
    if matches!(compiled, Err(Failure::Threw(_))) {
        match typescript::strip(&program) {
            Ok(javascript) => {
                compiled = attempt.run(scope, |scope| compile(scope, attempt.script, &javascript))
            }
            Err(NotStripped::Unsupported(unsupported)) => {
                let place = Place::at(&program, unsupported.offset);
                return Err(refused(unsupported, place, attempt.source));
            }
            Err(NotStripped::NotTypeScript) => {}
        }
    }
    let module = compiled.map_err(Failure::before_it_ran)?;
    refuse_unknown_imports(scope, module, attempt.source)?;
    if module.get_module_requests().length() > 0 {
        attempt.script.modules.note_imports(&program);
    }
    Ok(module)
}

/// TypeScript that types alone do not explain.
fn refused(unsupported: Unsupported, place: Place, source: &str) -> Failure {
    let (name, instead) = unsupported.construct.words();
    let message = format!(
        "SyntaxError: {name} is not supported: TypeScript's types are taken out and nothing is put in; \
         instead, write {instead}"
    );
    Failure::Refused(errors::compose(message, &[], Some(place), source))
}

fn compile<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    source: &str,
) -> Option<v8::Local<'s, v8::Module>> {
    let name = string(scope, RESOURCE_NAME);
    let origin = v8::ScriptOrigin::new(
        scope,
        name.into(),
        0,
        0,
        false,
        0,
        None,
        false,
        false,
        true,
        None,
    );
    let code = string(scope, source);
    let known = script.code_cache.look_up(source);
    if let Known::Code(kept) = &known {
        let data = v8::script_compiler::CachedData::new(kept);
        let mut unit = Source::new_with_cached_data(code, Some(&origin), data);
        let module = compile_module(scope, &mut unit, CompileOptions::ConsumeCodeCache);
        if unit.get_cached_data().is_none_or(|data| data.rejected()) {
            script.code_cache.forget(source);
        }
        return module;
    }
    let options = match source.len() {
        ..=SHORT_SOURCE => CompileOptions::EagerCompile,
        _ => CompileOptions::NoCompileOptions,
    };
    let module = compile_module(scope, &mut Source::new(code, Some(&origin)), options)?;
    if matches!(known, Known::Repeated) {
        *script.repeated.borrow_mut() = Some(RepeatedModule {
            source: source.to_owned(),
            module: v8::Global::new(scope, module),
        });
    }
    Some(module)
}

fn compile_module<'s>(
    scope: &v8::PinScope<'s, '_>,
    source: &mut Source,
    options: CompileOptions,
) -> Option<v8::Local<'s, v8::Module>> {
    let no_reason = v8::script_compiler::NoCacheReason::NoReason;
    v8::script_compiler::compile_module2(scope, source, options, no_reason)
}

/// Keeps the code of a module that has run. It then has the functions that were called, too.
pub(super) fn keep_code(
    scope: &mut v8::PinScope<'_, '_>,
    cache: &CodeCache,
    repeated: &RepeatedModule,
) {
    v8::scope!(let scope, scope);
    let module = v8::Local::new(scope, &repeated.module);
    let script = module.get_unbound_module_script(scope);
    if let Some(code) = script.create_code_cache() {
        cache.keep(&repeated.source, &code);
    }
}

/// Imports that cannot be served are refused here, where the line they are on is known.
fn refuse_unknown_imports(
    scope: &mut v8::PinScope<'_, '_>,
    module: v8::Local<'_, v8::Module>,
    source: &str,
) -> Result<(), Failure> {
    let requests = module.get_module_requests();
    for index in 0..requests.length() {
        let request = requests
            .get(scope, index)
            .and_then(|request| v8::Local::<v8::ModuleRequest>::try_from(request).ok());
        let Some(request) = request else { continue };
        let specifier = render::to_rust_string(scope, request.get_specifier());
        if Importable::from_specifier(&specifier).is_some() {
            continue;
        }
        let location = module.source_offset_to_location(request.get_source_offset());
        let place = Place {
            line: to_number(location.get_line_number()) + 1,
            column: to_number(location.get_column_number()) + 1,
        };
        let message = format!("TypeError: {}", modules::not_importable(&specifier));
        return Err(Failure::Refused(errors::compose(
            message,
            &[],
            Some(place),
            source,
        )));
    }
    Ok(())
}

fn to_number(v8_number: i32) -> usize {
    usize::try_from(v8_number).unwrap_or(0)
}
