/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes apart what a client sends, byte by byte: one JSON object after another, of bounded size. */

#include "vmm/control/frame.h"

/* Outside of an object. */
static enum control_input frame_begin(struct control_frame *frame, char byte)
{
	if (frame->junk) {
		frame->junk = byte != '\n';
		return frame->junk ? CONTROL_INPUT_MORE : CONTROL_INPUT_JUNK;
	}
	if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n')
		return CONTROL_INPUT_MORE;
	if (byte != '{') {
		frame->junk = true;
		return CONTROL_INPUT_MORE;
	}
	frame->bytes[0] = byte;
	frame->size = frame->depth = 1;
	return CONTROL_INPUT_MORE;
}

/* A string has no such bytes: this one was never ended, and the next line is another request. */
static bool frame_is_control(char byte)
{
	return (unsigned char)byte < 0x20;
}

static enum control_input frame_give_up_string(struct control_frame *frame, char byte)
{
	frame->size = frame->depth = 0;
	frame->string = frame->escape = false;
	frame->junk = byte != '\n';
	return frame->junk ? CONTROL_INPUT_MORE : CONTROL_INPUT_JUNK;
}

static void frame_take_in_string(struct control_frame *frame, char byte)
{
	if (frame->escape)
		frame->escape = false;
	else if (byte == '\\')
		frame->escape = true;
	else if (byte == '"')
		frame->string = false;
}

enum control_input control_frame_take(struct control_frame *frame, char byte)
{
	if (frame->depth == 0)
		return frame_begin(frame, byte);
	if (frame->size == sizeof(frame->bytes))
		return CONTROL_INPUT_TOO_LONG;
	frame->bytes[frame->size++] = byte;
	if (frame->string && frame_is_control(byte))
		return frame_give_up_string(frame, byte);
	if (frame->string) {
		frame_take_in_string(frame, byte);
		return CONTROL_INPUT_MORE;
	}
	switch (byte) {
	case '"':
		frame->string = true;
		break;
	case '{':
	case '[':
		if (frame->depth == CONTROL_DEPTH_MAX)
			return CONTROL_INPUT_TOO_DEEP;
		frame->depth++;
		break;
	case '}':
	case ']':
		if (--frame->depth == 0)
			return CONTROL_INPUT_OBJECT;
		break;
	}
	return CONTROL_INPUT_MORE;
}
