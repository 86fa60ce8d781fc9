"""The part of Shopify's Admin schema, 2026-07, that this shop knows."""

from typing import Final

from graphql import GraphQLSchema, build_schema

SDL: Final = """
directive @idempotent(key: String!) on FIELD

scalar DateTime
scalar Decimal
scalar UnsignedInt64
scalar URL
scalar CurrencyCode
scalar CountryCode

enum OrderSortKeys { CREATED_AT ID ORDER_NUMBER PROCESSED_AT UPDATED_AT }
enum OrderDisplayFinancialStatus {
  AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED
}
enum OrderDisplayFulfillmentStatus {
  FULFILLED IN_PROGRESS ON_HOLD OPEN PARTIALLY_FULFILLED PENDING_FULFILLMENT REQUEST_DECLINED
  RESTOCKED SCHEDULED UNFULFILLED
}
enum OrderCancelReason { CUSTOMER DECLINED FRAUD INVENTORY OTHER STAFF }
enum OrderCancelUserErrorCode { INTERNAL_ERROR INVALID NOT_FOUND NO_REFUND_PERMISSION }
enum FulfillmentStatus { CANCELLED ERROR FAILURE OPEN PENDING SUCCESS }
enum FulfillmentDisplayStatus { CONFIRMED DELIVERED FULFILLED IN_TRANSIT MARKED_AS_FULFILLED }
enum FulfillmentOrderStatus { CANCELLED CLOSED INCOMPLETE IN_PROGRESS ON_HOLD OPEN SCHEDULED }
enum FulfillmentOrderRequestStatus {
  ACCEPTED CANCELLATION_ACCEPTED CANCELLATION_REJECTED CANCELLATION_REQUESTED CLOSED REJECTED
  SUBMITTED UNSUBMITTED
}
enum RefundLineItemRestockType { CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN }
enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE COMPARE_QUANTITY_REQUIRED COMPARE_QUANTITY_STALE
  IDEMPOTENCY_CONCURRENT_REQUEST IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED INVALID_INVENTORY_ITEM INVALID_LOCATION INVALID_NAME
  INVALID_QUANTITY_NEGATIVE INVALID_QUANTITY_TOO_HIGH INVALID_QUANTITY_TOO_LOW INVALID_REASON
  INVALID_REFERENCE_DOCUMENT ITEM_NOT_STOCKED_AT_LOCATION NON_MUTABLE_INVENTORY_ITEM
  NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}

type PageInfo {
  endCursor: String
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
}
type MoneyV2 { amount: Decimal! currencyCode: CurrencyCode! }
type MoneyBag { presentmentMoney: MoneyV2! shopMoney: MoneyV2! }
type TaxLine {
  channelLiable: Boolean priceSet: MoneyBag! rate: Float ratePercentage: Float title: String!
}
type Attribute { key: String! value: String }
type MailingAddress {
  address1: String address2: String city: String company: String country: String
  countryCodeV2: CountryCode firstName: String lastName: String name: String phone: String
  province: String provinceCode: String zip: String
}
type Customer {
  id: ID! legacyResourceId: UnsignedInt64! email: String firstName: String lastName: String
  displayName: String! phone: String
}
type DiscountAllocation { allocatedAmountSet: MoneyBag! }
type ShippingLine {
  code: String custom: Boolean! discountedPriceSet: MoneyBag! id: ID isRemoved: Boolean!
  originalPriceSet: MoneyBag! source: String taxLines: [TaxLine!]! title: String!
}
type ShippingLineConnection {
  edges: [ShippingLineEdge!]! nodes: [ShippingLine!]! pageInfo: PageInfo!
}
type ShippingLineEdge { cursor: String! node: ShippingLine! }
type Product { id: ID! legacyResourceId: UnsignedInt64! }
type ProductVariant {
  id: ID! legacyResourceId: UnsignedInt64! sku: String inventoryItem: InventoryItem!
}
type LineItem {
  currentQuantity: Int! customAttributes: [Attribute!]! discountAllocations: [DiscountAllocation!]!
  discountedTotalSet: MoneyBag! discountedUnitPriceSet: MoneyBag! id: ID! isGiftCard: Boolean!
  name: String! nonFulfillableQuantity: Int! originalTotalSet: MoneyBag!
  originalUnitPriceSet: MoneyBag! product: Product quantity: Int! refundableQuantity: Int!
  requiresShipping: Boolean! sku: String taxLines(first: Int): [TaxLine!]! taxable: Boolean!
  title: String! totalDiscountSet: MoneyBag! unfulfilledQuantity: Int! variant: ProductVariant
  variantTitle: String vendor: String
}
type LineItemConnection { edges: [LineItemEdge!]! nodes: [LineItem!]! pageInfo: PageInfo! }
type LineItemEdge { cursor: String! node: LineItem! }
type RefundLineItem {
  id: ID lineItem: LineItem! quantity: Int! restockType: RefundLineItemRestockType!
  restocked: Boolean! subtotalSet: MoneyBag! totalTaxSet: MoneyBag!
}
type RefundLineItemConnection {
  edges: [RefundLineItemEdge!]! nodes: [RefundLineItem!]! pageInfo: PageInfo!
}
type RefundLineItemEdge { cursor: String! node: RefundLineItem! }
type Refund {
  createdAt: DateTime id: ID! legacyResourceId: UnsignedInt64! note: String
  refundLineItems(after: String, first: Int): RefundLineItemConnection!
  totalRefundedSet: MoneyBag!
}
type FulfillmentTrackingInfo { company: String number: String url: URL }
type FulfillmentLineItem { id: ID! lineItem: LineItem! quantity: Int }
type FulfillmentLineItemConnection {
  edges: [FulfillmentLineItemEdge!]! nodes: [FulfillmentLineItem!]! pageInfo: PageInfo!
}
type FulfillmentLineItemEdge { cursor: String! node: FulfillmentLineItem! }
type Fulfillment {
  createdAt: DateTime! displayStatus: FulfillmentDisplayStatus
  fulfillmentLineItems(after: String, first: Int): FulfillmentLineItemConnection!
  id: ID! legacyResourceId: UnsignedInt64! location: Location name: String!
  status: FulfillmentStatus!
  totalQuantity: Int! trackingInfo(first: Int): [FulfillmentTrackingInfo!]! updatedAt: DateTime!
}
type Location { id: ID! legacyResourceId: UnsignedInt64! name: String! isActive: Boolean! }
type LocationConnection { edges: [LocationEdge!]! nodes: [Location!]! pageInfo: PageInfo! }
type LocationEdge { cursor: String! node: Location! }
type FulfillmentOrderAssignedLocation {
  address1: String city: String countryCode: CountryCode! location: Location name: String!
  zip: String
}
type FulfillmentOrderLineItem {
  id: ID! inventoryItemId: ID lineItem: LineItem! productTitle: String! remainingQuantity: Int!
  requiresShipping: Boolean! sku: String totalQuantity: Int!
}
type FulfillmentOrderLineItemConnection {
  edges: [FulfillmentOrderLineItemEdge!]! nodes: [FulfillmentOrderLineItem!]! pageInfo: PageInfo!
}
type FulfillmentOrderLineItemEdge { cursor: String! node: FulfillmentOrderLineItem! }
type FulfillmentOrder {
  assignedLocation: FulfillmentOrderAssignedLocation! createdAt: DateTime! id: ID!
  lineItems(after: String, first: Int): FulfillmentOrderLineItemConnection!
  order: Order! orderId: ID! orderName: String!
  requestStatus: FulfillmentOrderRequestStatus! status: FulfillmentOrderStatus!
  updatedAt: DateTime!
}
type FulfillmentOrderConnection {
  edges: [FulfillmentOrderEdge!]! nodes: [FulfillmentOrder!]! pageInfo: PageInfo!
}
type FulfillmentOrderEdge { cursor: String! node: FulfillmentOrder! }
type Order {
  billingAddress: MailingAddress cancelReason: OrderCancelReason cancelledAt: DateTime
  closed: Boolean! closedAt: DateTime confirmationNumber: String confirmed: Boolean!
  createdAt: DateTime! currencyCode: CurrencyCode! currentSubtotalPriceSet: MoneyBag!
  currentTotalDiscountsSet: MoneyBag! currentTotalPriceSet: MoneyBag!
  currentTotalTaxSet: MoneyBag! customer: Customer customerLocale: String discountCodes: [String!]!
  displayFinancialStatus: OrderDisplayFinancialStatus
  displayFulfillmentStatus: OrderDisplayFulfillmentStatus! email: String
  fulfillmentOrders(after: String, first: Int): FulfillmentOrderConnection!
  fulfillments(first: Int): [Fulfillment!]! id: ID! legacyResourceId: UnsignedInt64!
  lineItems(after: String, first: Int): LineItemConnection! name: String! note: String number: Int!
  paymentGatewayNames: [String!]! phone: String poNumber: String
  presentmentCurrencyCode: CurrencyCode! processedAt: DateTime! refunds(first: Int): [Refund!]!
  requiresShipping: Boolean! shippingAddress: MailingAddress shippingLine: ShippingLine
  shippingLines(after: String, first: Int): ShippingLineConnection! sourceName: String
  subtotalPriceSet: MoneyBag tags: [String!]! taxExempt: Boolean! taxLines: [TaxLine!]!
  taxesIncluded: Boolean! test: Boolean! totalDiscountsSet: MoneyBag
  totalOutstandingSet: MoneyBag! totalPriceSet: MoneyBag! totalShippingPriceSet: MoneyBag!
  totalTaxSet: MoneyBag totalTipReceivedSet: MoneyBag! totalWeight: UnsignedInt64 unpaid: Boolean!
  updatedAt: DateTime!
}
type OrderConnection { edges: [OrderEdge!]! nodes: [Order!]! pageInfo: PageInfo! }
type OrderEdge { cursor: String! node: Order! }
type Shop {
  id: ID! name: String! currencyCode: CurrencyCode! myshopifyDomain: String! taxesIncluded: Boolean!
}
type InventoryQuantity { name: String! quantity: Int! updatedAt: DateTime }
type InventoryLevel {
  id: ID! item: InventoryItem! location: Location!
  quantities(names: [String!]!): [InventoryQuantity!]!
}
type InventoryLevelConnection {
  edges: [InventoryLevelEdge!]! nodes: [InventoryLevel!]! pageInfo: PageInfo!
}
type InventoryLevelEdge { cursor: String! node: InventoryLevel! }
type InventoryItem {
  id: ID! legacyResourceId: UnsignedInt64! sku: String tracked: Boolean!
  inventoryLevel(locationId: ID!): InventoryLevel
  inventoryLevels(after: String, first: Int): InventoryLevelConnection!
}
type InventoryItemConnection {
  edges: [InventoryItemEdge!]! nodes: [InventoryItem!]! pageInfo: PageInfo!
}
type InventoryItemEdge { cursor: String! node: InventoryItem! }

type UserError { field: [String!] message: String! }
input FulfillmentTrackingInput {
  company: String number: String numbers: [String!] url: URL urls: [URL!]
}
input FulfillmentOrderLineItemInput { id: ID! quantity: Int! }
input FulfillmentOrderLineItemsInput {
  fulfillmentOrderId: ID! fulfillmentOrderLineItems: [FulfillmentOrderLineItemInput!]
}
input FulfillmentInput {
  lineItemsByFulfillmentOrder: [FulfillmentOrderLineItemsInput!]!
  notifyCustomer: Boolean = false trackingInfo: FulfillmentTrackingInput
}
type FulfillmentCreatePayload { fulfillment: Fulfillment userErrors: [UserError!]! }

input InventoryQuantityInput {
  changeFromQuantity: Int inventoryItemId: ID! locationId: ID! quantity: Int!
}
input InventorySetQuantitiesInput {
  name: String! quantities: [InventoryQuantityInput!]! reason: String! referenceDocumentUri: String
}
type InventorySetQuantitiesUserError {
  code: InventorySetQuantitiesUserErrorCode field: [String!] message: String!
}
type InventoryChange {
  delta: Int! item: InventoryItem location: Location name: String! quantityAfterChange: Int
}
type InventoryAdjustmentGroup {
  changes: [InventoryChange!]! createdAt: DateTime! id: ID! reason: String!
  referenceDocumentUri: String
}
type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventorySetQuantitiesUserError!]!
}

input OrderCancelRefundMethodInput { originalPaymentMethodsRefund: Boolean }
type OrderCancelUserError { code: OrderCancelUserErrorCode field: [String!] message: String! }
type Job { done: Boolean! id: ID! }
type OrderCancelPayload { job: Job orderCancelUserErrors: [OrderCancelUserError!]! }

type Query {
  shop: Shop!
  order(id: ID!): Order
  orders(
    after: String first: Int query: String reverse: Boolean = false
    sortKey: OrderSortKeys = PROCESSED_AT
  ): OrderConnection!
  fulfillmentOrder(id: ID!): FulfillmentOrder
  inventoryItem(id: ID!): InventoryItem
  inventoryItems(after: String, first: Int, query: String): InventoryItemConnection!
  locations(after: String, first: Int): LocationConnection!
}
type Mutation {
  fulfillmentCreate(fulfillment: FulfillmentInput!, message: String): FulfillmentCreatePayload
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
  orderCancel(
    notifyCustomer: Boolean = false orderId: ID! reason: OrderCancelReason!
    refundMethod: OrderCancelRefundMethodInput restock: Boolean! staffNote: String
  ): OrderCancelPayload
}
"""


def make_schema() -> GraphQLSchema:
    return build_schema(SDL)
