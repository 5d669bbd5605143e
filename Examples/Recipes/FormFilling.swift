public import Collab
public import CollabBackends

/// What a message to a shop says, as a value.
public struct OrderForm: Codable, Hashable, Sendable, JSONSchemaDescribing {
    /// What the writer wants.
    public enum Wish: String, Codable, Sendable, CaseIterable, JSONSchemaDescribing {
        case order, complaint, question
    }

    /// What the writer wants.
    public var wish: Wish
    /// What it is about.
    public var product: String
    /// How many of it, if the message says so.
    public var quantity: Int?

    /// Every field in order; the product is short, so that the model cannot go on and on.
    public static var jsonSchema: JSONSchema {
        .object {
            JSONSchema.Property("wish", Wish.self)
            JSONSchema.Property("product", .text(length: 1...40))
            JSONSchema.Property("quantity", JSONSchema.integer(1...1000)).optional
        }
    }

    /// Makes a form.
    public init(wish: Wish, product: String, quantity: Int? = nil) {
        self.wish = wish
        self.product = product
        self.quantity = quantity
    }
}

/// Reads a message into a form: whatever the model thinks of, the result is one.
///
/// The model is shown two messages with their forms, and then can write nothing but a form. Any model that shows its logits
/// will do, a fusion too.
///
/// - Parameters:
///   - message: what somebody wrote.
///   - model: who reads it.
public func orderForm(
    of message: String,
    by model: some LogitModel
) async throws(CollabError) -> TypedResponse<OrderForm> {
    let request = Request([
        .system("You turn messages to a shop into JSON."),
        .user("Hello! Please send me 3 green lamps."),
        .assistant(#"{"wish": "order", "product": "green lamp", "quantity": 3}"#),
        .user("My kettle leaks, I want my money back!"),
        .assistant(#"{"wish": "complaint", "product": "kettle"}"#),
        .user(message),
    ])
    return try await model.respond(to: request, as: OrderForm.self, layout: .spaced)
}
