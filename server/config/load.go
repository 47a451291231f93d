package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
)

const (
	fileName   = "config.yaml"
	configFlag = "config"
	configEnv  = envPrefix + "_CONFIG"
)

// AddFlags gives a command the flag --config, and one flag for each setting that is no secret,
// named like its key: --server.port 9999.
func AddFlags(flags *pflag.FlagSet) {
	flags.String(configFlag, "", "config file (default: config.yaml in ., $HOME/.orderprocessing or /etc/orderprocessing)")
	for _, key := range Keys() {
		if !key.Secret {
			flags.String(key.Name, key.Default, key.Help)
		}
	}
}

// Load reads the settings as Source.Load does.
func Load(flags *pflag.FlagSet) (Config, error) { return NewSource(flags).Load() }

// UseFile makes flags that AddFlags made name the config file, as --config does.
func UseFile(flags *pflag.FlagSet, path string) error { return flags.Set(configFlag, path) }

// explicitFile is the file that was asked for by name, or nothing.
func explicitFile(flags *pflag.FlagSet) string {
	if flags != nil {
		if flag := flags.Lookup(configFlag); flag != nil && flag.Changed {
			return flag.Value.String()
		}
	}
	return os.Getenv(configEnv)
}

func findFile(explicit string, dirs []string) (string, error) {
	if explicit != "" {
		if _, err := os.Stat(explicit); err != nil {
			return "", fmt.Errorf("config file %s: %w", explicit, reasonOf(err))
		}
		return explicit, nil
	}
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		path := filepath.Join(dir, fileName)
		switch _, err := os.Stat(path); {
		case err == nil:
			return path, nil
		case !errors.Is(err, os.ErrNotExist):
			return "", fmt.Errorf("config file %s: %w", path, reasonOf(err))
		}
	}
	return "", nil
}

// reasonOf takes the path off a file error, so that it is not told twice.
func reasonOf(err error) error {
	if wrapped := (*os.PathError)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func homeDir() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".orderprocessing")
}
