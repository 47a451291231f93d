package config

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/secrets"
)

// Resolve gives the settings with the secrets that they name in their places, checked again as a whole. Its
// errors name keys and paths, never a value.
func (c Config) Resolve(ctx context.Context, read func(context.Context, secrets.Reference) (string, error)) (Config, error) {
	var problems []error
	known := map[secrets.Reference]string{}
	c.eachSecret(func(key, value string, set func(string)) {
		if !secrets.IsReference(value) {
			return
		}
		r, err := secrets.Parse(value)
		if err != nil {
			problems = append(problems, Problem{Key: key, Message: key + " " + err.Error()})
			return
		}
		text, ok := known[r]
		if !ok {
			if text, err = read(ctx, r); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", key, err))
				return
			}
			known[r] = text
		}
		set(text)
	})
	if len(problems) > 0 {
		return Config{}, errors.Join(problems...)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// HasReferences tells whether settings name secrets that are kept elsewhere.
func (c Config) HasReferences() bool { return len(c.problems().references) > 0 }

// eachSecret visits every value that may name a secret. What is set does not reach the original.
func (c *Config) eachSecret(visit func(key, value string, set func(string))) {
	for _, key := range keysOf(*c) {
		switch key.value.(type) {
		case Secret, DatabaseURL:
			field := fieldOf(c, key.Name)
			visit(key.Name, field.String(), func(text string) { field.SetString(text) })
		case []DatabaseURL:
			field := fieldOf(c, key.Name)
			urls := slices.Clone(field.Interface().([]DatabaseURL))
			for i := range urls {
				visit(fmt.Sprintf("%s[%d]", key.Name, i), string(urls[i]), func(text string) {
					urls[i] = DatabaseURL(text)
					field.Set(reflect.ValueOf(urls))
				})
			}
		}
	}
}

// secrets notes which values are kept elsewhere, and checks how they are named.
func (p *problems) secrets(c Config) {
	c.eachSecret(func(key, value string, _ func(string)) {
		if !secrets.IsReference(value) {
			return
		}
		_, err := secrets.Parse(value)
		if strings.HasPrefix(key, "vault.") {
			err = errors.New("must be the secret itself: Vault is not open before it is known")
		}
		if err != nil {
			p.check(key, false, err.Error())
		}
		p.references[key] = true
	})
}
