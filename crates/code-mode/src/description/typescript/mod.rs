//! JSON Schema to TypeScript: the type a schema describes, as text for a model and for `tsc`.
//!
//! The text compiles under `tsc --strict`, whatever the schema; it rejects no value the schema
//! accepts; and it says as much of the schema as TypeScript can say. It does no I/O: a reference that
//! leads out of the schema becomes `unknown`.
//!
//! # How
//!
//! A schema is first taken apart by kind: which strings, numbers, arrays, objects it accepts
//! (`values`). `type` leaves kinds, keywords of a kind speak of that kind alone, and what stands beside
//! each other (`allOf`, `$ref`, `if`) is intersected there, not in TypeScript. So `{properties: …}`
//! without `type` still admits strings, disjoint types vanish instead of becoming `number & string`,
//! and no alias is a member of itself. Schemas of properties and items stay symbols (`union`) until
//! they are printed. Printing goes level by level until the bytes are used up, so that the deepest
//! parts are what is cut. Nothing recurses on the native stack.
//!
//! # Open objects
//!
//! A schema without `additionalProperties` accepts properties it does not name, and so do structural
//! types: `{ a: string }` is the type of everything that has such an `a`. TypeScript has two checks
//! against slips on top of that: a literal with a name its type does not declare, and a value that
//! shares no name with a type of only optional properties. By default ([`OpenObjects::Structural`])
//! both stay in force: a name that no schema declares is nearly always a slip, in arguments as in
//! results, and a line that says otherwise in every object is noise.
//! [`OpenObjects::Explicit`] writes `[key: string]: unknown` into every open object. Then TypeScript
//! accepts literally all that the schema accepts; the tests prove it in this form. The two differ in
//! nothing but those lines. Where a schema itself says `additionalProperties: true`, both print it.
//!
//! # Names that every object has
//!
//! TypeScript gives each object the properties of `Object.prototype`, such as `constructor`. Optional
//! properties of these names are united with `Function`, so that `{}` still fits. Where a value has
//! such a property and its schema does not name it, TypeScript may mistake the one for the other in an
//! intersection with a union, and reject the value.
//!
//! # What is left wider
//!
//! Bounds, patterns and formats (printed as JSDoc), `uniqueItems`, `contains` beyond "not empty",
//! `minProperties`, patterns of names with operators, and `oneOf` where its branches overlap in more
//! than kinds, literals and absent properties.

mod arrays;
mod document;
mod documentation;
mod evaluation;
mod keywords;
mod layout;
mod literals;
mod mcp;
mod name_pattern;
mod objects;
mod print;
mod text;
mod union;
mod uri;
mod values;

use serde_json::Value;

use document::Document;
use documentation::Detail;
use evaluation::Evaluation;
use layout::{Layout, Rules};
use print::Printed;
use union::Union;
use values::{Kind, Kinds, Values};

pub(super) use documentation::text_comment;
pub(super) use text::is_identifier;
pub(super) use uri::percent_decoded;

pub use mcp::{MCP_RESULT_TYPES, mcp_structured_content};

/// The bytes a rendered type has at most unless [`RenderOptions::max_bytes`] says otherwise.
pub const DEFAULT_MAX_DECLARATION_BYTES: usize = 16_000;

/// Which way the values of a schema go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaUse {
    /// To the tool: `readOnly` properties are not shown.
    #[default]
    Input,
    /// From the tool: `writeOnly` properties are not shown.
    Output,
}

/// How objects are written that may have properties their schema does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenObjects {
    /// Like any object type: `{ a: string }`. TypeScript objects to literals with other names.
    #[default]
    Structural,
    /// With an index signature: `{ a: string; [key: string]: unknown }`.
    Explicit,
}

/// How to render a schema.
///
/// ```
/// use code_mode::{RenderOptions, SchemaUse};
///
/// let options = RenderOptions::default()
///     .schema_use(SchemaUse::Output)
///     .alias_prefix("Search_")
///     .max_bytes(4_000);
/// ```
#[derive(Debug, Clone)]
pub struct RenderOptions {
    schema_use: SchemaUse,
    open_objects: OpenObjects,
    max_bytes: usize,
    alias_prefix: String,
    are_arguments: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            schema_use: SchemaUse::default(),
            open_objects: OpenObjects::default(),
            max_bytes: DEFAULT_MAX_DECLARATION_BYTES,
            alias_prefix: String::new(),
            are_arguments: false,
        }
    }
}

impl RenderOptions {
    /// Which way the values go. Default: [`SchemaUse::Input`].
    #[must_use]
    pub fn schema_use(mut self, schema_use: SchemaUse) -> Self {
        self.schema_use = schema_use;
        self
    }

    /// How open objects are written. Default: [`OpenObjects::Structural`].
    #[must_use]
    pub fn open_objects(mut self, open_objects: OpenObjects) -> Self {
        self.open_objects = open_objects;
        self
    }

    /// The bytes that aliases and type have together at most. Default:
    /// [`DEFAULT_MAX_DECLARATION_BYTES`]. A type is never shorter than `unknown`.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// What goes before the name of each alias: part of an identifier. Default: nothing. Types that
    /// stand in one file need different prefixes.
    #[must_use]
    pub fn alias_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.alias_prefix = prefix.into();
        self
    }

    /// The schema is of the arguments of a function, which are an object even where the schema says
    /// nothing of `type`. Schemas that accept anything, or no object, stay what they are.
    #[must_use]
    pub fn arguments(mut self) -> Self {
        self.are_arguments = true;
        self
    }
}

/// A schema as TypeScript.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderedType {
    /// Declarations of the aliases that `text` uses, one `type … = …;` each, with JSDoc; each ends with
    /// a line break. Empty if there is none.
    pub aliases: String,
    /// The type. It may have several lines, indented by two spaces.
    pub text: String,
    /// `{}` is accepted, so that an argument of this type may be left out.
    pub accepts_empty_object: bool,
    /// Something was replaced by a wider type to stay within the bytes; a comment says where.
    pub is_cut: bool,
    /// References that lead nowhere in the schema, and mean `unknown`.
    pub unresolved_references: Vec<String>,
}

/// Renders a schema. Anything is taken for a schema; what is none is `unknown`.
///
/// ```
/// use code_mode::{RenderOptions, render_schema};
/// use serde_json::json;
///
/// let schema = json!({
///     "type": "object",
///     "properties": {
///         "path": { "type": "string" },
///         "depth": { "type": ["integer", "null"] },
///     },
///     "required": ["path"],
/// });
/// let rendered = render_schema(&schema, &RenderOptions::default());
/// assert_eq!(rendered.text, "{ path: string; depth?: number | null }");
/// ```
pub fn render_schema(schema: &Value, options: &RenderOptions) -> RenderedType {
    render_schema_within(schema, schema, options)
}

/// Renders a schema that stands inside another one, in which its references are looked up.
///
/// ```
/// use code_mode::{RenderOptions, render_schema_within};
/// use serde_json::json;
///
/// let document = json!({
///     "$defs": { "id": { "type": "number" } },
///     "properties": { "user": { "$ref": "#/$defs/id" } },
/// });
/// let user = &document["properties"]["user"];
/// assert_eq!(render_schema_within(&document, user, &RenderOptions::default()).text, "number");
/// ```
pub fn render_schema_within(
    document: &Value,
    schema: &Value,
    options: &RenderOptions,
) -> RenderedType {
    let document = Document::new(document);
    let mut evaluation = Evaluation::new(&document, options.schema_use);
    let mut root = match schema {
        Value::Object(_) => {
            let top = document.top(schema);
            evaluation.keywords.accepted_by(top)
        }
        Value::Bool(false) => Union::never(),
        _ => Union::unknown(),
    };
    if options.are_arguments {
        root = arguments_of(root, &mut evaluation, &document);
    }
    let mut printed = print_within(&root, &mut evaluation, options, Detail::Full);
    if printed.is_cut {
        printed = print_within(&root, &mut evaluation, options, Detail::Short);
    }
    RenderedType {
        aliases: printed.aliases,
        text: printed.text,
        accepts_empty_object: accepts_empty_object(&evaluation.values(&root)),
        is_cut: printed.is_cut,
        unresolved_references: document.unresolved_references(),
    }
}

/// Prints with less and less room until the whole is within the bytes.
fn print_within(
    root: &Union,
    evaluation: &mut Evaluation<'_>,
    options: &RenderOptions,
    detail: Detail,
) -> Printed {
    let mut room = options.max_bytes;
    loop {
        let rules = Rules {
            open_objects: options.open_objects,
            detail,
            max_bytes: room,
        };
        let layout = Layout::of(root.clone(), evaluation, rules);
        let printed = print::print(&layout, &options.alias_prefix);
        let length = printed.aliases.len() + printed.text.len();
        if length <= options.max_bytes {
            return printed;
        }
        if room == 0 {
            return Printed {
                aliases: String::new(),
                text: "unknown".to_owned(),
                is_cut: true,
            };
        }
        // Lengths were estimated too low, mostly because of indentation.
        let excess = length - options.max_bytes;
        room = room.saturating_sub(excess.max(room / 8).max(16));
    }
}

fn arguments_of<'a>(
    accepted: Union,
    evaluation: &mut Evaluation<'a>,
    document: &'a Document<'a>,
) -> Union {
    let values = evaluation.values(&accepted);
    let objects = Kinds::default().with(Kind::Object);
    if values.is_all() || values.kinds() == objects || !values.kinds().has(Kind::Object) {
        return accepted;
    }
    accepted.and(&Union::of(document.objects()))
}

fn accepts_empty_object(values: &Values) -> bool {
    let is_optional = |shape: &objects::ObjectShape| {
        shape
            .properties
            .values()
            .all(|property| !property.is_required || property.is_hidden)
    };
    values.objects.iter().any(|shape| {
        is_optional(shape)
            && shape
                .also
                .iter()
                .all(|factor| factor.iter().any(is_optional))
    }) || values
        .named
        .iter()
        .any(|(_, named)| named.objects.iter().any(is_optional))
}
