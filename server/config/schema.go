package config

import (
	"encoding/json"
	"io"
	"strings"
)

// schemaType is how JSON Schema names the types of keys.
var schemaType = map[string]any{
	"integer": "integer", "number": "number", "boolean": "boolean", "string": "string", "duration": "string",
	"list": []string{"array", "string"},
}

// WriteSchema prints the JSON Schema of the config file, for editors. What depends on several keys at once
// only `config validate` tells.
func WriteSchema(w io.Writer) error {
	rules := Default().problems().rules
	schema := section()
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["title"] = "Settings of orderprocessing"
	for _, key := range Keys() {
		at, path := schema, strings.Split(key.Name, ".")
		for _, name := range path[:len(path)-1] {
			properties := at["properties"].(map[string]any)
			if properties[name] == nil {
				properties[name] = section()
			}
			at = properties[name].(map[string]any)
		}
		at["properties"].(map[string]any)[path[len(path)-1]] = key.schema(rules[key.Name])
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(schema)
}

// section may be left empty, which says nothing.
func section() map[string]any {
	return map[string]any{"type": []string{"object", "null"}, "additionalProperties": false, "properties": map[string]any{}}
}

func (k Key) schema(r rule) map[string]any {
	s := map[string]any{
		"description": k.Help + ". Variable: " + k.Env + ". " + k.reloadText(),
		"type":        schemaType[k.Type],
	}
	if k.Secret {
		s["description"] = s["description"].(string) + " A secret: better vault://path#field or the variable than its value here."
		s["writeOnly"] = true
	} else {
		s["default"] = plain(k.value)
	}
	if unit := k.Unit(); unit != "" {
		s["x-unit"] = unit
	}
	if k.Type == "duration" {
		s["pattern"] = `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$`
		s["examples"] = []string{"500ms", "5s", "2m", "24h"}
	}
	if r.least != 0 || r.most != 0 {
		s["minimum"], s["maximum"] = r.least, r.most
	}
	values := s
	if k.Type == "list" {
		values = map[string]any{"type": "string"}
		s["items"] = values
	}
	if r.oneOf != nil {
		values["enum"] = r.oneOf
	}
	return s
}

func (k Key) reloadText() string {
	if k.Reloads {
		return "A change holds without a restart."
	}
	return "A change needs a restart."
}

// Unit is what a number counts, or how a duration is written; empty where there is none.
func (k Key) Unit() string {
	switch {
	case k.Type == "duration":
		return "duration, such as 5s"
	case strings.HasSuffix(k.Name, "_bytes"):
		return "bytes"
	case strings.HasSuffix(k.Name, "per_minute"):
		return "per minute"
	case strings.HasSuffix(k.Name, "_ratio"), strings.HasSuffix(k.Name, "_share"), strings.HasSuffix(k.Name, "_rate"):
		return "part of 1"
	}
	return ""
}
