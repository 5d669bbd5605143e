/// Who holds an office in a procedure: the chair, the judge, the writer.
public struct Appointment: Sendable {
    enum Holder: Sendable {
        case place(first: Bool)
        case named(String)
        case best(Calibration)
        case outsider(any TextModel)
    }

    var holder: Holder

    /// The member that was declared first.
    public static let first = Appointment(holder: .place(first: true))
    /// The member that was declared last: the strongest one of a team in the order of a cascade.
    public static let last = Appointment(holder: .place(first: false))
    /// The member of that name.
    public static func named(_ name: String) -> Appointment { Appointment(holder: .named(name)) }
    /// The member that is right most often (ties: the one declared first).
    public static func best(by calibration: Calibration) -> Appointment {
        Appointment(holder: .best(calibration))
    }
    /// A model that is not a member.
    public static func model(_ model: any TextModel) -> Appointment { Appointment(holder: .outsider(model)) }

    /// The model, if it is not a member.
    var outsider: (any TextModel)? {
        if case .outsider(let model) = holder { model } else { nil }
    }
}

extension Meeting {
    /// The place of whoever holds an office; a model from outside gets a place behind the members.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if nobody of that name is there.
    public mutating func place(of appointment: Appointment) throws(CollabError) -> Int {
        let found: Int? =
            switch appointment.holder {
            case .place(let isFirst): isFirst ? members.indices.first : members.indices.last
            case .named(let name): members.firstIndex(of: name)
            case .best(let calibration):
                members.indices.max { left, right in
                    let (a, b) = (calibration[members[left]], calibration[members[right]])
                    // Of equals the one declared first is the greatest.
                    return (a?.accuracy ?? -1, -left) < (b?.accuracy ?? -1, -right)
                }
            case .outsider(let model): seat(outsider: model)
            }
        guard let found else {
            throw CollabError(
                .invalidRequest,
                "Nobody in the team holds the office asked for; its members are \(members.joined(separator: ", "))."
            )
        }
        return found
    }
}
