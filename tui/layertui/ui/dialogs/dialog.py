"""Base of all dialogs."""

from typing import ClassVar, Generic

from textual.screen import ModalScreen, ScreenResultType

from layertui.ui.stack import StackScreen


class Dialog(ModalScreen[ScreenResultType], StackScreen[ScreenResultType], Generic[ScreenResultType]):
    """A modal box, dismissed with a result or None.

    A box of class ``asking`` has a field to type in, a list of class ``choices`` what there is to
    choose from.
    """

    # Not in the app's style sheet, which is parsed before the first frame.
    DEFAULT_CSS: ClassVar[str] = """
    Dialog {
        .asking {
            width: 90;
            max-width: 96%;
            height: auto;
            max-height: 94%;
            margin-top: 2;
            padding: 0 1;
        }

        .asking Input {
            background: $raised;
        }

        .choices, .choices:focus {
            height: auto;
            padding: 0;
            border: none;
            background: $surface;
            scrollbar-size-vertical: 1;
        }

        .asking .choices {
            margin-top: 1;
        }

        &.-low .asking {
            margin-top: 0;
            max-height: 100%;
        }

        &.-low .asking .choices {
            margin-top: 0;
            max-height: 7;
        }

        .asking .choices > .option-list--option-highlighted {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
    }
    """
