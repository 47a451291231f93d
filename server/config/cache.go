package config

import (
	"fmt"
	"net/url"
	"time"
)

// Cache says where copies of orders are kept for those who read them. docs/caching.md explains it.
type Cache struct {
	MemoryBytes int           `mapstructure:"memory_bytes" help:"most memory that copies of orders take in a process, in bytes; 0 for none. With Postgres it is used only with cache.redis"`
	Redis       []DatabaseURL `mapstructure:"redis" help:"Redis where replicas share copies of orders and hear of changes, redis://host:6379; several are a cluster; empty for none"`
	MaxAge      time.Duration `mapstructure:"max_age" help:"how old a copy can get when nobody hears of a change; ordinarily all do within milliseconds"`
}

// Reveal gives URLs with their passwords, for opening what they name.
func Reveal(urls []DatabaseURL) []string {
	texts := make([]string, len(urls))
	for i, u := range urls {
		texts[i] = u.Reveal()
	}
	return texts
}

func (p *problems) cache(c Cache) {
	p.between("cache.memory_bytes", c.MemoryBytes, 0, 16<<30)
	p.redis("cache.redis", c.Redis)
	p.check("cache.max_age", c.MaxAge >= time.Second && c.MaxAge <= time.Hour, "must be from 1s to 1h")
}

func (p *problems) redis(key string, urls []DatabaseURL) {
	for i, location := range urls {
		u, err := url.Parse(location.Reveal())
		p.check(fmt.Sprintf("%s[%d]", key, i), err == nil && (u.Scheme == "redis" || u.Scheme == "rediss") && u.Host != "",
			"must be a URL such as redis://host:6379")
	}
}
