package caxton

import (
	"fmt"

	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/internal/abi"
)

// StoreData keeps a value under a key of the agent's own, of at most 4096 bytes, in place of an earlier one. It
// outlasts restarts of the agent, and where the runtime has a store, those of the runtime.
// [ErrLimitExceeded] if all that the agent has stored would be above its limit.
func StoreData(key string, value []byte) error {
	return refused("store_data", key, abi.StoreData(key, value))
}

// LoadData is the value under a key; [ErrNotFound] if there is none. What the deployer gave as the agent's
// configuration is under the key "config", as JSON.
func LoadData(key string) ([]byte, error) {
	size := abi.DataSize(key)
	if err := refused("load_data", key, size); err != nil {
		return nil, err
	}
	value := make([]byte, size)
	length := abi.LoadData(key, value)
	if err := refused("load_data", key, length); err != nil {
		return nil, err
	}
	return value[:min(length, size)], nil
}

// DeleteData deletes the value under a key; [ErrNotFound] if there is none.
func DeleteData(key string) error {
	return refused("delete_data", key, abi.DeleteData(key))
}

// DataSize is the length in bytes of the value under a key; [ErrNotFound] if there is none.
func DataSize(key string) (int, error) {
	size := abi.DataSize(key)
	if err := refused("data_size", key, size); err != nil {
		return 0, err
	}
	return int(size), nil
}

// Store keeps a value under a key as JSON: see [StoreData].
func Store(key string, value any) error {
	data, err := encode(value)
	if err != nil {
		return fmt.Errorf("the value for %q cannot be written: %w", key, err)
	}
	return StoreData(key, data)
}

// Load reads the JSON value under a key into what the pointer points to, by the rules of [FipaMessage.Decode].
// [ErrNotFound] if there is none, and then nothing is changed.
func Load(key string, into any) error {
	data, err := LoadData(key)
	if err != nil {
		return err
	}
	if err := decode(data, into); err != nil {
		return fmt.Errorf("what is stored under %q cannot be read: %w", key, err)
	}
	return nil
}
