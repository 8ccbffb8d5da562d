"""`settrace`, `setprofile`, an audit hook, `sys.monitoring`: looks into every frame, to change it.

Must fail: no frame of this process knows what is expected.
"""

# ends: wrong_answer exception
# variants: settrace setprofile audit monitoring
import sys


def tracer(frame, event, argument):
    for name in ("expected", "truth"):
        if name in frame.f_locals:
            frame.f_locals["value"] = frame.f_locals[name]
    frame.f_locals["end"] = "completed"
    return tracer


if "VARIANT" == "audit":
    sys.addaudithook(lambda event, arguments: tracer(sys._getframe(1), event, arguments))
elif "VARIANT" == "monitoring" and hasattr(sys, "monitoring"):
    monitoring = sys.monitoring
    monitoring.use_tool_id(5, "cheat")
    monitoring.register_callback(
        5, monitoring.events.PY_RETURN, lambda *a: tracer(sys._getframe(1), *a[1:3])
    )
    monitoring.set_events(5, monitoring.events.PY_RETURN)
elif "VARIANT" == "setprofile":
    sys.setprofile(tracer)
else:
    sys.settrace(tracer)


def ENTRY(*a, **k):
    return None
