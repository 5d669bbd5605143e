/// The words in which protocols speak to their members, and by which a yes or a no of theirs is known: English, or another
/// language.
///
/// A phrase is looked up by its English text, as in a strings file; what has no translation stays English, so that a
/// program may also reword single phrases. `#` stands for what is filled in. Instructions that a program has replaced
/// are phrases of its own, and usually stay as they are.
///
/// ```swift
/// var study = Delphi(rounds: 2)
/// study.rules.wording = .german
/// let french = Wording(["Your answer": "Ta réponse"], yes: ["oui", "vrai"], no: ["non", "faux"])
/// ```
public struct Wording: Sendable {
    private let translate: @Sendable (_ english: String) -> String
    /// Whole words, in lower case, that are read as a yes, beside `yes` and `true`.
    public let yes: Set<String>
    /// Whole words, in lower case, that are read as a no, beside `no` and `false`.
    public let no: Set<String>

    /// Makes a wording from translations by their English texts.
    ///
    /// - Parameters:
    ///   - phrases: for each English phrase its translation, with as many `#` as it has.
    ///   - yes: words that are read as a yes, too.
    ///   - no: words that are read as a no, too.
    public init(_ phrases: [String: String], yes: Set<String> = [], no: Set<String> = []) {
        self.init(yes: yes, no: no) { phrases[$0] ?? $0 }
    }

    /// Makes a wording that asks a closure for each phrase: the program's own localisation, say.
    ///
    /// - Parameters:
    ///   - yes: words that are read as a yes, too.
    ///   - no: words that are read as a no, too.
    ///   - translate: returns what stands for an English phrase.
    public init(
        yes: Set<String> = [],
        no: Set<String> = [],
        translating translate: @escaping @Sendable (_ english: String) -> String
    ) {
        self.translate = translate
        self.yes = Set(yes.map { $0.lowercased() })
        self.no = Set(no.map { $0.lowercased() })
    }

    /// English.
    public static let english = Wording([:])

    /// What stands for an English phrase; each `#` of it is replaced by the next of the arguments, and stays where there is
    /// none.
    public func callAsFunction(_ english: String, _ arguments: String...) -> String {
        self(english, filling: arguments)
    }

    /// What stands for an English phrase with its arguments.
    func callAsFunction(_ english: String, filling arguments: [String]) -> String {
        let phrase = english.isEmpty ? "" : translate(english)
        if arguments.isEmpty { return phrase }
        var filled = ""
        var left = arguments[...]
        for character in phrase {
            if character == "#", let next = left.popFirst() {
                filled += next
            } else {
                filled.append(character)
            }
        }
        return filled
    }

    /// What a lower-case word means, if it is a yes or a no.
    func verdict(of word: String) -> String? {
        switch word {
        case "yes", "true": "yes"
        case "no", "false": "no"
        case _ where yes.contains(word): "yes"
        case _ where no.contains(word): "no"
        default: nil
        }
    }
}
