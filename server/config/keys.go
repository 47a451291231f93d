package config

import (
	"reflect"
	"strings"
	"time"
)

const envPrefix = "ORDERPROCESSING"

// Key describes one setting.
type Key struct {
	Name    string // in the file and as a flag, such as server.port
	Env     string // such as ORDERPROCESSING_SERVER_PORT
	Default string // as one would write it; may be empty
	Help    string // one line
	Secret  bool   // not to be given on a command line
	Type    string // string, integer, number, boolean, duration or list
	Reloads bool   // a change holds without a restart
	value   any
}

// Keys lists every setting, in the order of the tree.
func Keys() []Key { return keysOf(Default()) }

// keysOf lists the settings with the values of c in place of the defaults.
func keysOf(c Config) []Key { return appendKeys(nil, "", false, reflect.ValueOf(c)) }

func appendKeys(keys []Key, prefix string, reloads bool, section reflect.Value) []Key {
	for i := range section.NumField() {
		field, value := section.Type().Field(i), section.Field(i)
		name := prefix + field.Tag.Get("mapstructure")
		reloads := reloads
		if said, ok := field.Tag.Lookup("reload"); ok {
			reloads = said == "yes"
		}
		if value.Kind() == reflect.Struct {
			keys = appendKeys(keys, name+".", reloads, value)
			continue
		}
		_, secret := value.Interface().(Secret)
		keys = append(keys, Key{
			Name:    name,
			Env:     envName(name),
			Default: text(value),
			Help:    field.Tag.Get("help"),
			Secret:  secret,
			Type:    typeOf(value),
			Reloads: reloads,
			value:   value.Interface(),
		})
	}
	return keys
}

func typeOf(value reflect.Value) string {
	if value.Type() == reflect.TypeFor[time.Duration]() {
		return "duration"
	}
	switch value.Kind() {
	case reflect.Int:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "list"
	default:
		return "string"
	}
}

func envName(key string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// text writes a value as one would write it in the environment, redacted.
func text(value reflect.Value) string {
	if value.Kind() == reflect.Slice {
		parts := make([]string, value.Len())
		for i := range parts {
			parts[i] = text(value.Index(i))
		}
		return strings.Join(parts, ",")
	}
	return sprint(value.Interface())
}

// plain is a value as an encoder should see it: redacted, durations as text.
func plain(value any) any {
	switch v := value.(type) {
	case time.Duration:
		return shortDuration(v)
	case Secret:
		return v.String()
	case DatabaseURL:
		return v.String()
	case []DatabaseURL:
		shown := make([]string, len(v))
		for i := range v {
			shown[i] = v[i].String()
		}
		return shown
	}
	return value
}
