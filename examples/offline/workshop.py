"""What callers may want from the workshop, and what is still to be asked of them."""

import attrs

AGAIN = "Sorry, I did not understand. Who is calling, please, and what is it about?"
WHO = "And who is calling, please?"
WHAT = "And what is it about: a repair, a rental, or an invoice?"

NAMES = {"ada": "Ada", "alan": "Alan", "grace": "Grace"}
TOPICS = {"repair": "a repair", "rental": "a rental", "invoice": "an invoice"}
# A grammar hears its own sentences in whatever is said. These words are there to be heard instead.
OTHER_WORDS = (
    "anybody bicycle could day don't help know no please somebody sorry thank there today want "
    "weather what who yes you"
)
GRAMMAR = f"""#JSGF V1.0;
grammar receptionist;
public <sentence> = <request> | <other>;
<request> = [hello | hi | good morning] (<who> | <what> | <who> [and] <what>);
<who> = (this is | my name is | i am) ({" | ".join(NAMES)});
<what> = [it is | it's | i am calling] about (a | an | the | my) ({" | ".join(TOPICS)});
<other> = ({" | ".join(OTHER_WORDS.split())})+;
"""


@attrs.define
class Request:
    name: str | None = None
    topic: str | None = None

    def add(self, text: str) -> None:
        words = text.split()
        self.name = next((NAMES[word] for word in words if word in NAMES), self.name)
        self.topic = next((TOPICS[word] for word in words if word in TOPICS), self.topic)

    @property
    def question(self) -> str | None:
        """What is still to be asked."""
        if self.name and self.topic:
            return None
        return WHO if self.topic else WHAT if self.name else AGAIN

    def __str__(self) -> str:
        return f"{self.name or 'Somebody'} is calling, about {self.topic or 'something else'}."
