// FIPA messages as JSON. A message is the value that holds all of it.

#ifndef MESSAGE_H
#define MESSAGE_H

#include "json.h"
#include "text.h"

// Answers whoever asked, with the content that the format and its values make (see `print`): 0, or 1 if the
// answer could not be sent.
int32_t reply(json message, const char *performative, const char *format, ...);
// The same, with an answer that is to be answered itself.
int32_t reply_with(json message, const char *performative, const char *tag, const char *format, ...);

int32_t agree(json message);
int32_t accept(json message);
int32_t reject(json message, const char *reason);
int32_t refuse(json message, const char *reason);
int32_t fail(json message, const char *error);
int32_t invalid(json message);
int32_t not_understood(json message, const char *error);

// Sends a request in the asker's name, so that the answer goes straight to the asker.
int32_t forward(json message, json receiver, json content);
// Sends a message as it is, and frees it: 0, or 1 if it could not be sent.
int32_t post(text *message);

// A copy for a later answer, to be freed; not there if the message is too long for that.
json keep(json message);

// The member of the message's content that has this name.
json term(json message, const char *name);

#endif
