// Package secrets says how a setting names a secret that is kept elsewhere, and what a keeper of secrets
// gives. It keeps none itself; vault does.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

const scheme = "vault"

// Reference names a field of a secret: vault://mount/path#field, or vault://mount/path?version=3#field
// for one version of many.
type Reference struct {
	Path    string // with the mount, without slashes at its ends
	Field   string
	Version int // 0 is the newest
}

// String writes the reference as it is written in the settings.
func (r Reference) String() string {
	u := url.URL{Scheme: scheme, Opaque: "//" + r.Path, Fragment: r.Field}
	if r.Version > 0 {
		u.RawQuery = "version=" + strconv.Itoa(r.Version)
	}
	return u.String()
}

// IsReference tells whether a value names a secret instead of being one.
func IsReference(value string) bool { return strings.HasPrefix(value, scheme+"://") }

// Parse reads a reference. Its error does not quote the value, which may be a secret by mistake.
func Parse(value string) (Reference, error) {
	path, query, err := split(value)
	if err != nil {
		return Reference{}, err
	}
	r := Reference{Path: path.Path, Field: path.Field}
	if r.Field == "" {
		return Reference{}, errors.New("must name a field, as in vault://secret/shop#password")
	}
	if text := query.Get("version"); text != "" {
		if r.Version, err = strconv.Atoi(text); err != nil || r.Version < 1 {
			return Reference{}, errors.New("must have a version from 1, as in vault://secret/shop?version=3#password")
		}
	}
	return r, nil
}

// ParsePath reads the path of what gives a user and a password at once: vault://database/creds/role.
func ParsePath(value string) (string, error) {
	r, query, err := split(value)
	if err == nil && (r.Field != "" || len(query) > 0) {
		err = errors.New("must name no field: user and password come together")
	}
	return r.Path, err
}

func split(value string) (Reference, url.Values, error) {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != scheme {
		return Reference{}, nil, errors.New("must be written as vault://mount/path#field")
	}
	path := strings.Trim(u.Host+u.Path, "/")
	if mount, rest, _ := strings.Cut(path, "/"); mount == "" || rest == "" || strings.Contains("/"+path+"/", "/../") {
		return Reference{}, nil, errors.New("must name a mount and a path, as in vault://secret/shop#password")
	}
	query := u.Query()
	for name := range query {
		if name != "version" {
			return Reference{}, nil, fmt.Errorf("knows no %q", name)
		}
	}
	return Reference{Path: path, Field: u.Fragment}, query, nil
}

// ErrAway tells that a keeper of secrets does not answer; later it may.
var ErrAway = errors.New("the keeper of secrets does not answer")

// Keeper keeps secrets. It is safe for concurrent use.
type Keeper interface {
	// Read gives a field of a secret. Its errors name the path, never a value.
	Read(ctx context.Context, r Reference) (string, error)
	// Login gives a user and a password that are made for who asks, and goes on with new ones as long as
	// the keeper runs.
	Login(ctx context.Context, path string) (Login, error)
}

// Login is a user and a password that change from time to time.
type Login interface {
	// Current gives those to be used for a new connection. What was given before works for a while.
	Current() (user, password string)
}
