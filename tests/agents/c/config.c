#include <stdlib.h>

#include "worker.h"

// JSON, all of it optional.
static const char key[] = "config";

configuration config;

bool read_price(json value, price *into) {
    into->raw = value;
    return json_number(value, &into->value);
}

// What is of the wrong type counts as missing. The text that was read stays, since prices point into it.
void load_config(void) {
    json stored = {0};
    int32_t size = data_size(key, sizeof key - 1);
    char *at = size > 0 ? malloc((size_t)size) : NULL;
    if (at && load_data(key, sizeof key - 1, at, (size_t)size) == size) stored = json_valid(at, (size_t)size);

    if (!read_price(json_member(stored, "price"), &config.price)) config.price = (price){10, {"10", 2}};
    if (!read_price(json_member(stored, "limit"), &config.limit)) config.limit = config.price;
    config.refuses = json_true(json_member(stored, "refuses"));
    config.silent = json_true(json_member(stored, "silent"));
    config.fails = json_true(json_member(stored, "fails"));
    config.twice = json_true(json_member(stored, "twice"));
    config.delay = json_whole(json_member(stored, "delay_micros"));
}
