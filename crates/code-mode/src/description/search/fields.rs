//! What is read of a tool, and how much each part of it says.

use std::collections::VecDeque;

use serde_json::Value;

use super::words::words;
use crate::description::Tool;

/// Where a word stands.
#[derive(Clone, Copy)]
pub(super) enum Field {
    /// The tool's own name, and its title.
    Name,
    /// Its namespace.
    Server,
    /// The first sentence of its description.
    Summary,
    /// The rest of its description.
    Description,
    /// Names of what it takes.
    Parameter,
    /// Descriptions, and values to choose from, of what it takes.
    ParameterText,
    /// Names and descriptions of what it gives.
    Result,
}

/// How many fields there are.
pub(super) const FIELDS: usize = Field::ALL.len();

impl Field {
    pub(super) const ALL: [Self; 7] = [
        Self::Name,
        Self::Server,
        Self::Summary,
        Self::Description,
        Self::Parameter,
        Self::ParameterText,
        Self::Result,
    ];

    /// What a word counts there.
    pub(super) fn weight(self) -> f64 {
        match self {
            Self::Name | Self::Summary => 2.0,
            Self::Server | Self::Description | Self::Parameter => 0.8,
            Self::ParameterText | Self::Result => 0.5,
        }
    }

    /// How much less it counts among many others, from 0 to 1.
    pub(super) fn length_matters(self) -> f64 {
        match self {
            Self::Name | Self::Server => 0.3,
            _ => 0.5,
        }
    }
}

/// How many bytes are read of a description, and of each schema. A longer one is read up to there.
const MOST_BYTES: usize = 2_000;
/// How many subschemas are looked at, those further out first.
const MOST_SUBSCHEMAS: usize = 200;

/// Keywords whose value is a schema, an array of schemas, or an object of schemas.
const APPLICATORS: [&str; 11] = [
    "items",
    "prefixItems",
    "additionalProperties",
    "anyOf",
    "oneOf",
    "allOf",
    "then",
    "else",
    "$defs",
    "definitions",
    "properties",
];

/// Reads the words of one tool.
pub(super) struct Fields<'a> {
    hear: &'a mut dyn FnMut(Field, &str),
}

impl<'a> Fields<'a> {
    /// Tells every word of a tool that is looked at, and where it stands.
    pub(super) fn read(tool: &Tool, hear: &'a mut dyn FnMut(Field, &str)) {
        let mut fields = Fields { hear };
        let definition = &tool.definition;
        fields.tell(Field::Name, &definition.name);
        let annotations = definition.annotations.as_ref();
        if let Some(title) = annotations.and_then(|hints| hints["title"].as_str()) {
            fields.tell(Field::Name, title);
        }
        fields.tell(Field::Server, tool.server().unwrap_or(""));
        let description = cut(&definition.description, MOST_BYTES);
        let (summary, rest) = first_sentence(description);
        fields.tell(Field::Summary, summary);
        fields.tell(Field::Description, rest);
        if let Some(schema) = &definition.input_schema {
            fields.schema(schema, Field::Parameter, Field::ParameterText);
        }
        if let Some(schema) = &definition.output_schema {
            fields.schema(schema, Field::Result, Field::Result);
        }
    }

    fn tell(&mut self, field: Field, text: &str) {
        words(cut(text, MOST_BYTES), |word| (self.hear)(field, word));
    }

    /// Tells the names of properties as `names`, and descriptions and values to choose from as `texts`.
    fn schema(&mut self, schema: &Value, names: Field, texts: Field) {
        let mut room = MOST_BYTES;
        let mut tell = |field: Field, text: &str| {
            let text = cut(text, room);
            room -= text.len();
            words(text, |word| (self.hear)(field, word));
        };
        let mut queue = VecDeque::from([schema]);
        for _ in 0..MOST_SUBSCHEMAS {
            let Some(schema) = queue.pop_front() else {
                return;
            };
            if let Some(description) = schema["description"].as_str() {
                tell(texts, description);
            }
            let values = schema["enum"].as_array().into_iter().flatten();
            for value in values.chain([&schema["const"]]).take(MOST_SUBSCHEMAS) {
                tell(texts, value.as_str().unwrap_or(""));
            }
            let properties = schema["properties"].as_object();
            let properties = properties.into_iter().flat_map(|them| them.keys());
            for name in properties.take(MOST_SUBSCHEMAS) {
                tell(names, name);
            }
            for keyword in APPLICATORS {
                let below: Box<dyn Iterator<Item = &Value>> = match (&schema[keyword], keyword) {
                    (Value::Array(schemas), _) => Box::new(schemas.iter()),
                    (Value::Object(named), "properties" | "$defs" | "definitions") => {
                        Box::new(named.values())
                    }
                    (below @ Value::Object(_), _) => Box::new(std::iter::once(below)),
                    _ => continue,
                };
                queue.extend(below.take(MOST_SUBSCHEMAS - queue.len().min(MOST_SUBSCHEMAS)));
            }
        }
    }
}

/// The beginning of a text, whole characters of at most so many bytes.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// A text up to the end of its first sentence or line, and the rest.
fn first_sentence(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(". ").unwrap_or(text.len());
    text.split_at(text.find('\n').unwrap_or(text.len()).min(end))
}
