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
	value   any
}

// Keys lists every setting, in the order of the tree.
func Keys() []Key { return keysOf(Default()) }

// keysOf lists the settings with the values of c in place of the defaults.
func keysOf(c Config) []Key { return appendKeys(nil, "", reflect.ValueOf(c)) }

func appendKeys(keys []Key, prefix string, section reflect.Value) []Key {
	for i := range section.NumField() {
		field, value := section.Type().Field(i), section.Field(i)
		name := prefix + field.Tag.Get("mapstructure")
		if value.Kind() == reflect.Struct {
			keys = appendKeys(keys, name+".", value)
			continue
		}
		_, secret := value.Interface().(Secret)
		keys = append(keys, Key{
			Name:    name,
			Env:     envName(name),
			Default: text(value),
			Help:    field.Tag.Get("help"),
			Secret:  secret,
			value:   value.Interface(),
		})
	}
	return keys
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
