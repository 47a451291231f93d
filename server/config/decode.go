package config

import (
	"reflect"
	"strings"
)

// splitHook takes comma-separated text for a list, as the environment and flags give it.
func splitHook(from, to reflect.Type, data any) (any, error) {
	if from.Kind() != reflect.String || to.Kind() != reflect.Slice {
		return data, nil
	}
	parts := []string{}
	for part := range strings.SplitSeq(reflect.ValueOf(data).String(), ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts, nil
}
