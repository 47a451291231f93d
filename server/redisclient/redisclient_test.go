package redisclient_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/redisclient"
)

func TestOpen(t *testing.T) {
	for name, urls := range map[string][]string{
		"none":                           nil,
		"no URL":                         {"redis://user:hunter2@host:port"},
		"another scheme":                 {"http://:hunter2@host"},
		"a cluster and a database of it": {"redis://a:1/2", "redis://b:1"},
	} {
		t.Run(name+" is refused without telling a password", func(t *testing.T) {
			_, err := redisclient.Open(urls...)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}
