package config

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
)

// Problem is one thing that is wrong with the settings.
type Problem struct {
	Key     string `json:"key,omitempty"`   // such as server.port, or store.shards[0]; empty if it is about no setting
	Where   string `json:"where,omitempty"` // file and line, variable or flag that said it; empty for a default
	Message string `json:"message"`         // what is wrong, and what would be right; no secret is in it
}

// Error implements error.
func (p Problem) Error() string {
	if p.Where == "" {
		return p.Message
	}
	return p.Where + ": " + p.Message
}

// Problems lists what an error of this room is made of.
func Problems(err error) []Problem {
	var found []Problem
	each(err, func(err error) {
		p, ok := err.(Problem) //nolint:errorlint // a leaf
		if !ok {
			p = Problem{Message: err.Error()}
		}
		found = append(found, p)
	})
	return found
}

// each visits the errors that were joined.
func each(err error, visit func(error)) {
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // only what was joined, not what was wrapped
		for _, one := range many.Unwrap() {
			each(one, visit)
		}
		return
	}
	if err != nil {
		visit(err)
	}
}

// undecodable turns what the decoder says into problems.
func undecodable(err error) []error {
	var found []error
	kinds := map[string]string{}
	for _, key := range Keys() {
		kinds[key.Name] = key.Type
	}
	var walk func(err error, key string)
	walk = func(err error, key string) {
		var deeper *mapstructure.DecodeError
		if one, ok := err.(*mapstructure.DecodeError); ok { //nolint:errorlint // this one, not one beneath
			key = one.Name()
		}
		switch e := err.(type) { //nolint:errorlint // as above
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				walk(one, key)
			}
			return
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); errors.As(inner, &deeper) {
				walk(inner, key)
				return
			}
		}
		// Its own words would quote the value.
		found = append(found, Problem{Key: key, Message: key + " must be " + kindText[kinds[withoutIndex(key)]]})
	}
	walk(err, "")
	return found
}

// kindText says what a value of a type looks like.
var kindText = map[string]string{
	"integer":  "a whole number",
	"number":   "a number",
	"boolean":  "true or false",
	"duration": "a duration with its unit, such as 5s or 2m",
	"string":   "text",
	"list":     "a list, or text with commas",
}

func withoutIndex(key string) string {
	name, _, _ := strings.Cut(key, "[")
	return name
}

// unitHook refuses a number for a duration: 5 would be taken for nanoseconds.
func unitHook(from, to reflect.Type, data any) (any, error) {
	duration := reflect.TypeFor[time.Duration]()
	if to == duration && from != duration && from.Kind() != reflect.String && !reflect.ValueOf(data).IsZero() {
		return nil, errors.New("has no unit")
	}
	return data, nil
}
