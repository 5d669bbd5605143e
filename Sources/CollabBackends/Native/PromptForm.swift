public import Collab

/// How the turns of a dialogue become the text that a model continues.
///
/// Models that were tuned for dialogue come with a chat template. Base models have none: they continue text, and
/// answer a question best where the text so far looks like a page of questions with their answers.
public enum PromptForm: Hashable, Sendable {
    /// The file's chat template; where there is none, the plain form with its default labels.
    case automatic
    /// The file's chat template; an error where there is none.
    case chatTemplate
    /// Turns as labelled paragraphs, for base models; answers end where the next question would begin.
    case labelled(Labels)

    /// The words in front of the turns of the plain form.
    public struct Labels: Hashable, Sendable {
        /// In front of what the user says.
        public var question: String
        /// In front of what the model says; no space follows, since models write one.
        public var answer: String

        /// Makes labels.
        public init(question: String = "Question: ", answer: String = "Answer:") {
            self.question = question
            self.answer = answer
        }

        /// The dialogue as text, ending where the answer begins.
        ///
        /// A system message stands above the turns as a paragraph of its own.
        public func text(of messages: [Message]) -> String {
            var text = ""
            for message in messages {
                switch message.role {
                case .system: text += message.text + "\n\n"
                case .user, .tool: text += question + message.text + "\n"
                case .assistant: text += answer + " " + message.text + "\n\n"
                }
            }
            return text + answer
        }

        /// Texts at which an answer ends: the label of the next question, on a line of its own.
        public var stopSequences: [String] {
            let label = question.last == " " ? String(question.dropLast()) : question
            return label.isEmpty ? ["\n\n"] : ["\n" + label, "\n\n"]
        }
    }

    /// Turns as labelled paragraphs.
    public static func plain(question: String = "Question: ", answer: String = "Answer:") -> PromptForm {
        .labelled(Labels(question: question, answer: answer))
    }
}
