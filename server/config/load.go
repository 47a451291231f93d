package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
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

// Load reads the settings: the defaults, under the file, under the environment, under the flags that
// were set. No file is fine, unless one was named. The error, if any, tells everything that is wrong.
// Flags may be nil; flags of a set that AddFlags did not make are not looked at.
func Load(flags *pflag.FlagSet) (Config, error) {
	return load(flags, []string{".", homeDir(), "/etc/orderprocessing"})
}

func load(flags *pflag.FlagSet, dirs []string) (Config, error) {
	v := viper.New()
	v.SetEnvPrefix(envPrefix)
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	for _, key := range Keys() {
		v.SetDefault(key.Name, key.value)
		if err := v.BindEnv(key.Name); err != nil {
			return Config{}, fmt.Errorf("bind %s: %w", key.Env, err)
		}
		if flags == nil {
			continue
		}
		if flag := flags.Lookup(key.Name); flag != nil && flag.Changed {
			v.Set(key.Name, flag.Value.String())
		}
	}

	path, err := findFile(explicitFile(flags), dirs)
	if err != nil {
		return Config{}, err
	}
	problems := unknownEnvironment(os.Environ())
	if path != "" {
		settings, wrong := readFile(path)
		problems = append(problems, wrong...)
		if err := v.MergeConfigMap(settings); err != nil {
			return Config{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	var c Config
	hooks := mapstructure.ComposeDecodeHookFunc(
		mapstructure.StringToTimeDurationHookFunc(),
		splitHook,
	)
	if err := v.Unmarshal(&c, viper.DecodeHook(hooks)); err != nil {
		problems = append(problems, err)
	} else if err := c.Validate(); err != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return Config{}, err
	}
	return c, nil
}

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
