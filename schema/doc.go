// Package schema describes YAML documents as data and reads them strictly.
//
// Describe a document once, as a [Type]. From that one description come the
// strict reading with positions ([Open], then [Doc.Read]), the JSON Schema for
// editors ([JSONSchema]) and the help text ([Help]). Reading collects every
// complaint as a [Problem]; what was read is a tree of [Value], each of which
// knows where it was written. [Merge] lays one tree over another.
//
// The package is pure: bytes in, values out.
package schema
