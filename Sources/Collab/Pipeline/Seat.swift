/// A member's place at the table: the model, a name that no other member of the team has, and its sample index.
///
/// A model that sits at the table twice is asked for two different samples, so that caches and replays tell them
/// apart.
struct Seat: Sendable {
    /// The place, in declaration order.
    var index: Int
    /// The model's name; the second member of that name is called `name #2`.
    var name: String
    /// The model.
    var model: any TextModel
    /// How many members of the same name sit before this one.
    var occurrence: Int
    /// How many members have that name.
    var copies: Int

    /// The request as this member is asked it.
    func addressed(_ request: Request) -> Request {
        var request = request
        request.sample = request.sample &* copies &+ occurrence
        return request
    }
}

/// Seats for models, in declaration order.
func seats(for models: [any TextModel]) -> [Seat] {
    let copies = models.reduce(into: [String: Int]()) { $0[$1.name, default: 0] += 1 }
    var seen: [String: Int] = [:]
    return models.enumerated().map { index, model in
        let occurrence = seen[model.name, default: 0]
        seen[model.name] = occurrence + 1
        let name = occurrence == 0 ? model.name : "\(model.name) #\(occurrence + 1)"
        return Seat(
            index: index,
            name: name,
            model: model,
            occurrence: occurrence,
            copies: copies[model.name] ?? 1
        )
    }
}

/// Throws ``CollabError/Code/invalidRequest`` if members who sit at a table so many times each are more than can be asked.
func validateSeats(_ copies: Int, for members: Int) throws(CollabError) {
    let limit = 1 << 16
    if callCount(max(copies, 0), members) > limit {
        throw CollabError(
            .invalidRequest,
            "\(members) members with \(copies) samples each are more than \(limit) calls side by side; take fewer."
        )
    }
}
