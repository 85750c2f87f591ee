#include "actors/model/event_json.hpp"
