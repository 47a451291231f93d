package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

const redacted = "[redacted]"

// Secret is a string that no print, log or encoding shows. Only Reveal does.
type Secret string

// Reveal gives the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret; an empty one is shown to be empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format hides the secret from every verb, such as %x.
func (s Secret) Format(f fmt.State, verb rune) { format(f, verb, s) }

// MarshalText hides the secret from JSON, YAML and whatever else asks for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML hides the secret from YAML.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// DatabaseURL is a URL whose password no print, log or encoding shows. Only Reveal does.
type DatabaseURL string

// Reveal gives the URL with its password, for opening the database.
func (u DatabaseURL) Reveal() string { return string(u) }

// String shows the URL without what it may hide: its password, and any option named like one. What
// does not parse is not shown at all.
func (u DatabaseURL) String() string {
	if u == "" {
		return ""
	}
	parsed, err := url.Parse(string(u))
	if err != nil || parsed.Scheme == "" {
		return redacted
	}
	if parsed.User != nil {
		if _, set := parsed.User.Password(); set {
			parsed.User = url.UserPassword(parsed.User.Username(), "redacted")
		}
	}
	query, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return redacted
	}
	for name := range query {
		if lower := strings.ToLower(name); strings.Contains(lower, "pass") || strings.Contains(lower, "secret") || strings.Contains(lower, "key") {
			query.Set(name, "redacted")
			parsed.RawQuery = query.Encode()
		}
	}
	return parsed.String()
}

// GoString hides the password from %#v.
func (u DatabaseURL) GoString() string { return fmt.Sprintf("%q", u.String()) }

// Format hides the password from every verb, such as %x.
func (u DatabaseURL) Format(f fmt.State, verb rune) { format(f, verb, u) }

// MarshalText hides the password from JSON, YAML and whatever else asks for text.
func (u DatabaseURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// MarshalYAML hides the password from YAML.
func (u DatabaseURL) MarshalYAML() (any, error) { return u.String(), nil }

// LogValue hides the password from slog.
func (u DatabaseURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

func format(f fmt.State, verb rune, value interface {
	fmt.Stringer
	fmt.GoStringer
}) {
	if verb == 'v' && f.Flag('#') {
		fmt.Fprint(f, value.GoString())
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), value.String())
}
