package main

import "encoding/json"

// config is what the deployer wants of the agent, all of it optional.
var config struct {
	// price is what this agent asks for its work.
	price number
	// limit is the most that it pays, and the least that it works for when it is bargained with.
	limit                         number
	refuses, silent, fails, twice bool
	// delay is none at 0.
	delay int64
}

// loadConfig reads the value under the key "config"; what is of the wrong type counts as missing.
func loadConfig() {
	var stored struct {
		Price   field `json:"price"`
		Limit   field `json:"limit"`
		Refuses field `json:"refuses"`
		Silent  field `json:"silent"`
		Fails   field `json:"fails"`
		Twice   field `json:"twice"`
		Delay   field `json:"delay_micros"`
	}
	// Without a configuration all of it is missing.
	_ = json.Unmarshal(load("config"), &stored)

	var is bool
	if config.price, is = numberOf(stored.Price); !is {
		config.price = number{10, field("10")}
	}
	if config.limit, is = numberOf(stored.Limit); !is {
		config.limit = config.price
	}
	config.refuses = isTrue(stored.Refuses)
	config.silent = isTrue(stored.Silent)
	config.fails = isTrue(stored.Fails)
	config.twice = isTrue(stored.Twice)
	if config.delay, is = wholeOf(stored.Delay); !is {
		config.delay = 0
	}
}
