package config

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Changed lists the keys that differ between two configurations, in the order of the tree.
func Changed(before, after Config) []Key {
	var changed []Key
	now := keysOf(after)
	for i, key := range keysOf(before) {
		if !reflect.DeepEqual(key.value, now[i].value) {
			changed = append(changed, now[i])
		}
	}
	return changed
}

// With gives the settings with some keys taken from others.
func (c Config) With(others Config, keys []Key) Config {
	for _, key := range keys {
		fieldOf(&c, key.Name).Set(fieldOf(&others, key.Name))
	}
	return c
}

// Fingerprint is a short hash of the settings, without the secrets: it tells whether two processes have
// the same.
func (c Config) Fingerprint() [sha256.Size]byte {
	text, err := json.Marshal(c.tree())
	if err != nil {
		panic(fmt.Sprintf("config: %v", err)) // plain values only
	}
	return sha256.Sum256(text)
}

// fieldOf is the place of a key in the tree.
func fieldOf(c *Config, key string) reflect.Value {
	at := reflect.ValueOf(c).Elem()
	for name := range strings.SplitSeq(key, ".") {
		for i := range at.NumField() {
			if at.Type().Field(i).Tag.Get("mapstructure") == name {
				at = at.Field(i)
				break
			}
		}
	}
	return at
}
