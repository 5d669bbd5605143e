/// When one model hands over to another in the midst of an answer.
public enum SwitchRule: Sendable {
    /// A base writes, and where it is less sure of a word's beginning than a threshold, a nudging model writes the word;
    /// members: base, nudger.
    ///
    /// Y. Fei et al., *Nudging: Inference-time Alignment of LLMs via Guided Decoding*, 2024, with their threshold. Which
    /// place is a word's beginning is told from the base's favourite and from what is written.
    case nudging(threshold: Double = 0.4)
    /// A generator writes; before a share of its words a mentor is asked for the word, and where theirs differ, both
    /// write a segment and the generator says which it prefers; members: generator, mentor.
    ///
    /// H. Wang et al., *MentorCollab*, 2025: every fourth word on average, drawn with the request's seed, and 16 tokens.
    case mentoring(share: Double = 0.25, segment: Int = 16)
    /// One member after another writes a patch of so many tokens, chosen by a selector.
    ///
    /// S. Feng et al., *Switch Generation*, 2025, with patches of 25 tokens.
    case patches(of: Int = 25, by: PatchSelector = .inTurn)

    /// Who writes the next patch.
    public enum PatchSelector: Sendable {
        /// The members in order, again and again.
        case inTurn
        /// All write the patch, and the one whose text is most probable a byte by its own account is taken.
        case mostConfident
        /// A model that reads the question and the patches so far, each under its author's number, and names the next
        /// author's number. If it names none, the last author goes on.
        case model(any TextModel)
    }

    /// The rule in a few words.
    public var name: String {
        switch self {
        case .nudging(let threshold): "nudging below \(decimal(threshold))"
        case .mentoring: "mentoring"
        case .patches(let count, _): "patches of \(count) tokens"
        }
    }

    /// Throws ``CollabError/Code/emptyTeam`` or ``CollabError/Code/invalidRequest`` for what makes no sense.
    func validate(memberCount: Int) throws(CollabError) {
        if memberCount == 0 {
            throw CollabError(.emptyTeam, "Nobody writes: give \(name) at least one member.")
        }
        let fault: String? =
            switch self {
            case .nudging(let threshold):
                memberCount != 2
                    ? "takes a base and a nudger, and got \(memberCount) members"
                    : (0...1).contains(threshold)
                        ? nil : "has a threshold of \(threshold), which is no probability"
            case .mentoring(let share, let segment):
                if memberCount != 2 {
                    "takes a generator and a mentor, and got \(memberCount) members"
                } else if !(0...1).contains(share) {
                    "asks at \(share) of the words; it must be between 0 and 1"
                } else {
                    segment < 1 ? "compares segments of \(segment) tokens; the least is 1" : nil
                }
            case .patches(let count, _): count < 1 ? "cannot be written; the least is 1" : nil
            }
        if let fault { throw CollabError(.invalidRequest, "The rule “\(name)” \(fault).") }
    }
}
