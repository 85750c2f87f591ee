#include "actors/model/time_text.hpp"
