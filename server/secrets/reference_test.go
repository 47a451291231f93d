package secrets_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/secrets"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]secrets.Reference{
		"vault://secret/shop#key":           {Path: "secret/shop", Field: "key"},
		"vault://secret/team/shop/#key":     {Path: "secret/team/shop", Field: "key"},
		"vault://secret/shop?version=3#key": {Path: "secret/shop", Field: "key", Version: 3},
		"vault://secret/a%20b#a%23b":        {Path: "secret/a b", Field: "a#b"},
		"vault://Secret/Shop#Key":           {Path: "Secret/Shop", Field: "Key"},
	} {
		got, err := secrets.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{
		"hunter2", "vault:hunter2", "vault://", "vault://hunter2#a", "vault://hunter2/#a", "vault://secret/hunter2", "vault://secret/%zzhunter2#a",
		"vault://secret/shop?version=0#hunter2", "vault://secret/../sys#hunter2", "vault://secret/shop?hunter=2#a",
	} {
		_, err := secrets.Parse(text)
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
	path, err := secrets.ParsePath("vault://database/creds/orders")
	require.NoError(t, err)
	require.Equal(t, "database/creds/orders", path)
	_, err = secrets.ParsePath("vault://database/creds/orders#password")
	require.Error(t, err)
	require.Equal(t, "vault://secret/shop?version=3#key", secrets.Reference{Path: "secret/shop", Field: "key", Version: 3}.String())
	require.True(t, secrets.IsReference("vault://secret/shop#key"))
	require.False(t, secrets.IsReference("postgres://vault/"))
}
