#pragma once
#include <stun/stunagent.h>
#include <stun/stunmessage.h>
