package config

import (
	"net/url"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/secrets"
)

// What vault.auth may be.
const (
	VaultToken      = "token"
	VaultAppRole    = "approle"
	VaultKubernetes = "kubernetes"
)

// Vault is where secrets are kept that settings name: HashiCorp Vault, or OpenBao. docs/secrets.md
// explains it.
type Vault struct {
	Address   string `mapstructure:"address" help:"Vault or OpenBao, such as https://vault.shop.example:8200; empty for none"`
	Namespace string `mapstructure:"namespace" help:"namespace at Vault; empty for the root"`
	CAFile    string `mapstructure:"ca_file" help:"authorities of Vault's certificate, PEM; empty for the system's"`
	Auth      string `mapstructure:"auth" help:"how the process proves to Vault who it is: token, approle or kubernetes"`
	Mount     string `mapstructure:"mount" help:"where the method of vault.auth is mounted; empty for its own name"`
	Token     Secret `mapstructure:"token" help:"token, when vault.auth is token"`
	RoleID    string `mapstructure:"role_id" help:"role ID, when vault.auth is approle"`
	SecretID  Secret `mapstructure:"secret_id" help:"secret ID, when vault.auth is approle"`
	Role      string `mapstructure:"role" help:"role, when vault.auth is kubernetes"`
	JWTFile   string `mapstructure:"jwt_file" help:"token of the service account, when vault.auth is kubernetes"`
}

func defaultVault() Vault {
	return Vault{Auth: VaultToken, JWTFile: "/var/run/secrets/kubernetes.io/serviceaccount/token"}
}

// DatabaseMark stands for the name of a database in store.credentials.
const DatabaseMark = "{database}"

func (p *problems) vault(c Config) {
	v := c.Vault
	p.oneOf("vault.auth", v.Auth, VaultToken, VaultAppRole, VaultKubernetes)
	if path := c.Store.Credentials; path != "" {
		_, err := secrets.ParsePath(strings.ReplaceAll(path, DatabaseMark, "home"))
		p.check("store.credentials", err == nil, "must be written as vault://database/creds/orders-{database}")
	}
	if v.Address == "" {
		p.check("vault.address", len(p.references) == 0 && c.Store.Credentials == "", "is needed: settings name secrets of Vault")
		return
	}
	u, err := url.Parse(v.Address)
	p.check("vault.address", err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil,
		"must be a URL such as https://vault.shop.example:8200")
	p.check("vault.token", v.Auth != VaultToken || v.Token != "", "is needed when vault.auth is token")
	p.check("vault.role_id", v.Auth != VaultAppRole || v.RoleID != "", "is needed when vault.auth is approle")
	p.check("vault.secret_id", v.Auth != VaultAppRole || v.SecretID != "", "is needed when vault.auth is approle")
	p.check("vault.role", v.Auth != VaultKubernetes || v.Role != "", "is needed when vault.auth is kubernetes")
	p.check("vault.jwt_file", v.Auth != VaultKubernetes || v.JWTFile != "", "is needed when vault.auth is kubernetes")
}
