package config

import (
	"net"
	"net/url"
	"regexp"
)

// Auth says how callers prove who they are. There is no way to turn that off.
type Auth struct {
	AdminKey  Secret `mapstructure:"admin_key" help:"API key of an administrator, opk_, 12 letters or digits, _ and 26 or more: made at start unless it was made before; empty makes one at the first start, into admin.key in data.dir, or told once on stderr when home is Postgres"`
	KeySecret Secret `mapstructure:"key_secret" help:"seals the keys that sign access tokens where home keeps them, the same in every replica, 32 bytes or more; empty does not seal them"`
	Issuer    string `mapstructure:"issuer" help:"issuer that our access tokens name"`
	Audience  string `mapstructure:"audience" help:"audience that our access tokens name"`
	OIDC      OIDC   `mapstructure:"oidc"`
}

// OIDC is an outside issuer whose tokens are taken too.
type OIDC struct {
	Issuer        string `mapstructure:"issuer" help:"URL of an OpenID Connect issuer whose tokens are taken too, as its tokens say it; empty for none"`
	Audience      string `mapstructure:"audience" help:"audience that its tokens must be for"`
	RolesClaim    string `mapstructure:"roles_claim" help:"claim of its tokens that names roles: customer, staff, operator"`
	CustomerClaim string `mapstructure:"customer_claim" help:"claim of its tokens that names whose orders a customer sees; empty for no customers"`
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// adminKey is what an API key looks like.
var adminKey = regexp.MustCompile(`^opk_[0-9a-z]{12}_[0-9a-z]{26,64}$`)

func (p *problems) auth(a Auth) {
	p.check("auth.admin_key", a.AdminKey == "" || adminKey.MatchString(a.AdminKey.Reveal()),
		"must be opk_, 12 lower-case letters or digits, _ and 26 to 64 more")
	p.check("auth.key_secret", a.KeySecret == "" || len(a.KeySecret) >= minKeyBytes, "must have 32 bytes or more")
	p.check("auth.issuer", a.Issuer != "", "must not be empty")
	p.check("auth.audience", a.Audience != "", "must not be empty")
	o := a.OIDC
	if o.Issuer == "" {
		return
	}
	u, err := url.Parse(o.Issuer)
	p.check("auth.oidc.issuer", err == nil && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())) && u.Host != "" &&
		u.RawQuery == "" && u.Fragment == "", "must be a URL such as https://login.example; http only on this machine")
	p.check("auth.oidc.issuer", o.Issuer != a.Issuer, "must differ from auth.issuer")
	p.check("auth.oidc.audience", o.Audience != "", "is needed with auth.oidc.issuer")
	p.check("auth.oidc.roles_claim", o.RolesClaim != "", "is needed with auth.oidc.issuer")
}
