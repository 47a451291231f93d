package config

import "net"

// What flags.provider may be.
const (
	FlagsDatabase = "database"
	FlagsFlagd    = "flagd"
)

// Flags says who keeps the feature flags. docs/flags.md explains them.
type Flags struct {
	Provider string `mapstructure:"provider" help:"who keeps the feature flags: database (the home database, set by SetFlag) or flagd"`
	Flagd    Flagd  `mapstructure:"flagd"`
}

// Flagd is a server of feature flags, https://flagd.dev.
type Flagd struct {
	Address string `mapstructure:"address" help:"where flagd hands out its flags (its sync port), host:port"`
	TLS     bool   `mapstructure:"tls" help:"flagd is spoken to over TLS, by the authorities that this machine trusts"`
}

func defaultFlags() Flags {
	return Flags{Provider: FlagsDatabase, Flagd: Flagd{Address: "127.0.0.1:8015"}}
}

func (p *problems) flags(f Flags) {
	p.oneOf("flags.provider", f.Provider, FlagsDatabase, FlagsFlagd)
	host, port, err := net.SplitHostPort(f.Flagd.Address)
	p.check("flags.flagd.address", err == nil && host != "" && port != "", "must be host:port, such as 127.0.0.1:8015")
}
